"""One consumer alone catches up without taking entries: no kill and no rival makes it count twice.

What was seen and not yet counted is in no pending list there, so nothing but the group's place
tells one who comes back late that others were faster. A backlog grows while one starts, so here
all start from nothing: who is forked off is back before there is one.
"""

import random

import pytest

from streams import keys
from tests.consumers.running import GROUP, STREAM, processed
from tests.independent_fold import differences
from tests.oracles.checking import conservation
from tests.oracles.gathering import entries, history
from tests.oracles.scale import sized
from tests.oracles.traffic import until_settled
from tests.starting import from_nothing
from tests.waiting import until

SEED = 20_261_124
ENTRIES = sized(6_000, 500_000)
KILLS, RIVALS = sized(3, 100), sized(1, 100)
#: What a rival counts while the other one is frozen.
NEWS = sized(1_000, 2_000)
BACK_WITHIN_S = 120


def counted_once(client, feeder, alone, note):
    """Check after a quiet end that every entry was counted once, and that some were not taken."""
    feeder.finish()
    until_settled(client)
    alone.ready().stop()
    # entries that were not taken are passed by moving the group on
    passed = client.info("commandstats")["cmdstat_xgroup|setid"]["calls"]
    observed = {**alone.observed, "batches_not_taken": passed}
    verdict = conservation(history(client, feeder.ids), at_least=1_000, observed=observed)
    off = differences(client, entries(client))
    note(
        seed=SEED, produced=len(feeder.ids), counted=processed(client), difference=len(off),
        lost=len(verdict.lost), doubled=len(verdict.doubled), **observed,
    )  # fmt: skip
    assert verdict.word == "proved", verdict
    assert off == []
    assert processed(client) == len(feeder.ids)


def moments(count):
    chance = random.Random(SEED)
    return sorted(chance.sample(range(ENTRIES // 100, ENTRIES - ENTRIES // 4), count))


def until_counted(client, count):
    until(lambda: processed(client) >= count, BACK_WITHIN_S, f"entry {count}")


@pytest.mark.timeout(sized(300, 3_600))
def test_kills_while_it_catches_up_leave_every_entry_counted_once(client, fleet, produce, note):
    client.config_resetstat()
    feeder, alone = produce(SEED, ENTRIES), fleet(names=["alone"], start=from_nothing)
    feeder.start()
    for moment in moments(KILLS):
        until_counted(client, moment)
        alone.kill(0)
    counted_once(client, feeder, alone, note)


@pytest.mark.timeout(sized(300, 3_600))
def test_one_frozen_while_it_catches_up_is_overtaken_and_counts_nothing_again(
    client, fleet, produce, note
):
    client.config_resetstat()
    feeder, alone = produce(SEED, ENTRIES), fleet(names=["alone"], start=from_nothing)
    feeder.start()
    for moment in moments(RIVALS):
        until_counted(client, moment)
        alone.freeze(0)
        client.delete(keys.heartbeat(GROUP, "alone"))
        rival = fleet(names=["rival"], start=from_nothing).ready()
        until_counted(client, processed(client) + NEWS)
        alone.thaw(0)
        until(lambda: client.exists(keys.heartbeat(GROUP, "alone")))
        rival.stop()
        rival.close()
        # it goes on alone only once the other one is off the list
        until(lambda: members(client) == {"alone"}, what="a group of one")
    counted_once(client, feeder, alone, note)


def members(client):
    return {each["name"] for each in client.xinfo_consumers(STREAM, GROUP)}
