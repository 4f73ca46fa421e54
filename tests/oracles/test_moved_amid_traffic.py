"""A group that is destroyed or set back amid traffic: all four stop, nothing is counted twice."""

import random

import pytest

from streams import keys
from tests.consumers.running import GROUP, STATUS, STREAM, processed, status
from tests.independent_fold import buckets_in
from tests.oracles.fleet import NAMES
from tests.oracles.gathering import entries, identities_counted
from tests.oracles.scale import sized
from tests.oracles.traffic import IDENTITY
from tests.servers import KINDS
from tests.waiting import until

SEED = 20_261_122
ENTRIES = sized(6_000, 200_000)
MARK = keys.group_moved(STREAM, GROUP)


def set_back(client, ids, chance):
    client.xgroup_setid(STREAM, GROUP, chance.choice(ids))


def destroyed(client, ids, chance):
    client.xgroup_destroy(STREAM, GROUP)


def made_anew(client, ids, chance):
    with client.pipeline(transaction=True) as at_once:
        at_once.xgroup_destroy(STREAM, GROUP)
        at_once.xgroup_create(STREAM, GROUP, "0")
        at_once.execute()


WAYS = (set_back, destroyed, made_anew)


@pytest.mark.parametrize("turn", range(sized(1, len(WAYS))))
def test_all_four_stop_at_the_mark_and_nothing_is_counted_twice(
    server, client, fleet, produce, note, turn
):
    # in CI each way on one server; tests/consumers has all ways on all servers without traffic
    moved = WAYS[(KINDS.index(server.kind) + turn) % len(WAYS)]
    chance = random.Random(SEED)
    feeder = produce(SEED, ENTRIES)
    sound = fleet().ready()
    feeder.start()
    moment = chance.randrange(ENTRIES // 4, ENTRIES // 2)
    until(lambda: processed(client) >= moment, within_s=120)
    # far enough back that all of it was counted
    moved(client, feeder.ids[: processed(client) // 4], chance)
    at_the_mark = int(until(lambda: marked(client)))
    until(lambda: all(map(stopped_counting, sound.processes)), what="four that stopped counting")
    feeder.finish()
    last = feeder.ids[-1]
    feeder.feed_some()
    # a restart is no way out: the next incarnations see the mark too
    for victim in range(len(NAMES)):
        sound.kill(victim)
    until(lambda: all(map(stopped_counting, sound.processes)), what="four that do not begin")
    sound.stop()
    counted = identities_counted(buckets_in(client))
    later = {fields["symbol"] for _, fields in entries(client, after=f"({last}")}
    note(
        seed=SEED, how=moved.__name__, produced=len(feeder.ids),
        counted=processed(client), at_the_mark=at_the_mark,
    )  # fmt: skip
    assert set(counted.values()) == {1}
    assert not later & set(filter(IDENTITY.fullmatch, counted))
    assert processed(client) == at_the_mark
    assert status(client, "state") == "GROUP_MOVED"


def marked(client):
    """Return how many were counted at the first look that sees the mark, "" before."""
    mark, counted = client.hmget(STATUS, MARK, "processed_total")
    return counted if mark else ""


def stopped_counting(process):
    return any(told.startswith("STATUS=GROUP_MOVED") for told in process.hear())
