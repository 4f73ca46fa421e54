"""The oracle: a kill or a broken link at every command leaves all of the router's accounts even.

One run without breaks tells the boundaries; then each is broken in each way, and a router that
comes after goes on from what is there: the same one restarted, or a peer that takes over. Sampled
pairs cross a broken link with a later kill; QUANTUM_SOAK=1 walks all of them.
"""

import itertools
import random
import time

import pytest

from consumers.strategy_router import Router, Settings, place
from tests.contexts import context
from tests.killing import (
    EVERY_WAY,
    KILL_AFTER,
    KILL_BEFORE,
    LOST_REPLY,
    UNSENT,
    Trap,
    died,
    live,
    trapped,
)
from tests.oracles.scale import sized
from tests.router.broken_two_calls import PublishFirst, TwoCalls
from tests.router.ledger import account
from tests.router.routers import STREAM
from tests.router.traffic import decisions

ENTRIES, SEED = 24, 11
#: Small, so that there are several batches, and a limit that refuses some.
SETTINGS = {"BATCH_SIZE": 8, "RATE_LIMIT_PER_SYMBOL": 3, "RATE_LIMIT_WINDOW_S": 3_600}


class Run:
    """One life of a router that a trap may break, and of the one that comes after."""

    def __init__(self, server, plan=None, kind=Router, heir="one"):
        self.client = server.client()
        self.client.flushall()
        made = decisions(SEED, ENTRIES, int(time.time() * 1000), again=0.2, odd=0.1)
        produced = [(self.client.xadd(STREAM, each.fields), each.identity) for each in made]
        self.trap = Trap(plan)
        with died():
            self.live(server, kind, "one", self.trap)
        # while the dead lies there nothing may be wrong either
        self.before = account(self.client, produced)
        self.live(server, kind, heir)
        self.after = account(self.client, produced)

    @staticmethod
    def live(server, kind, name, trap=None):
        made = context(Settings, place, server.port, CONSUMER_NAME=name, **SETTINGS)
        made = trapped(made, trap) if trap else made
        live(made, kind(made))

    @property
    def wrong(self):
        left = {"still open": self.after.open} if self.after.open else {}
        return {**self.before.wrong, **self.after.wrong, **left}


def walk(server, plans, kind=Router):
    """Return plan -> what was wrong, for those plans that broke the accounts.

    After a first break a life may be shorter than without it: a second is not always reached.
    """
    found, reached = {}, 0
    for number, plan in enumerate(plans):
        run = Run(server, plan, kind, heir=("one", "two")[number % 2])
        reached += len(run.trap.sprung) == len(plan)
        if run.wrong:
            found[tuple(plan.items())] = run.wrong
    assert reached > 0.9 * len(plans)
    return found


def boundaries(server, kind=Router):
    Run(server, kind=kind)  # a server that has not met the scripts is asked twice for each
    return len(Run(server, kind=kind).trap.visited)


def single(count, ways=EVERY_WAY, step=1):
    return [{at: how} for at in range(1, count + 1, step) for how in ways]


def enough_to_refute(server, kind, how):
    """Return some of the ways to break a broken one: every other boundary, all in the soak."""
    return single(boundaries(server, kind), [how], step=sized(2, 1))


def test_the_run_that_is_broken_has_everything_in_it(server):
    run = Run(server)
    assert run.wrong == {}
    assert run.before == run.after
    assert run.after.intents > 5
    assert run.after.rejected > 2
    assert run.after.dead > 1
    assert run.after.intents + run.after.rejected + run.after.dead < ENTRIES  # some came twice
    assert {"join", "reclaim", "XREADGROUP", "MULTI", "route", "give_up"} <= set(run.trap.visited)
    assert run.trap.visited.count("route") > 2


def test_one_break_at_every_boundary_in_every_way_leaves_the_accounts_even(server, note):
    plans = single(boundaries(server))
    note(seed=SEED, breaks=len(plans))
    assert walk(server, plans) == {}


@pytest.mark.timeout(sized(300, 3_600))
def test_a_broken_link_and_then_a_kill_leave_the_accounts_even(server, note):
    count = boundaries(server)
    plans = [
        {first: broken, second: killed}
        for first, second in itertools.combinations(range(1, count + 1), 2)
        for broken in (LOST_REPLY, UNSENT)
        for killed in (KILL_BEFORE, KILL_AFTER)
    ]
    sample = random.Random(SEED).sample(plans, sized(40, len(plans)))
    note(seed=SEED, boundaries=count, pairs_of_breaks=len(sample))
    assert walk(server, sample) == {}


def test_reserving_and_publishing_in_two_calls_is_refuted(server):
    broken = walk(server, enough_to_refute(server, TwoCalls, KILL_AFTER), TwoCalls)
    assert any("reserved, not published" in wrong for wrong in broken.values())
    assert any("lost" in wrong for wrong in broken.values())


def test_publishing_and_then_reserving_is_refuted(server):
    broken = walk(server, enough_to_refute(server, PublishFirst, LOST_REPLY), PublishFirst)
    assert any("published twice" in wrong for wrong in broken.values())
