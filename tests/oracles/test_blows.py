"""Kills and freezes of four consumers amid traffic: every identity is counted once, none twice.

The same oracle must refute a consumer beside them that counts and acknowledges in one MULTI.
"""

import signal

import pytest
import redis

from tests.consumers.running import GROUP, STREAM, processed, status
from tests.independent_fold import differences
from tests.oracles.checking import conservation
from tests.oracles.fleet import NAMES
from tests.oracles.gathering import entries, history
from tests.oracles.scale import SOAK, sized
from tests.oracles.schedule import planned
from tests.oracles.traffic import IDENTITY, until_settled
from tests.waiting import until

SEED = 20_261_121
ROUNDS, ENTRIES = sized(5, 200), sized(10_000, 1_000_000)
#: What one consumer may take to come back to work, in seconds: the machine is busy.
BACK_WITHIN_S = 120


def struck(server, fleet, feeder, rounds, say):
    """Return the fleet after its rounds and a quiet end, while `feeder` feeds."""
    client = server.client()
    sound = fleet()
    feeder.start()
    for number, (counted, blows) in enumerate(rounds, start=1):
        until(lambda: processed(client) >= counted, BACK_WITHIN_S, f"entry {counted}")  # noqa: B023
        for blow in blows:
            sound.strike(blow)
        if number % 20 == 0:
            say(f"{server.kind}: {number} rounds, {processed(client)} counted")
    for each in sound.processes:
        each.signal(signal.SIGCONT)
    feeder.finish()
    until_settled(client)
    sound.ready().stop()
    return sound


def judged(client, feeder, observed):
    """Return the verdict, and what tells the buckets from the independent fold."""
    verdict = conservation(history(client, feeder.ids), at_least=1_000, observed=observed)
    return verdict, differences(client, entries(client))


@pytest.mark.timeout(sized(300, 3_600))
def test_kills_and_freezes_leave_every_entry_counted_once(
    server, client, fleet, produce, note, say
):
    feeder = produce(SEED, ENTRIES)
    sound = struck(server, fleet, feeder, planned(SEED, ROUNDS, ENTRIES, len(NAMES)), say)
    # in a few rounds no kill may find anything in hand; freezes wait until they do
    seen = {n: t for n, t in sound.observed.items() if SOAK or n != "ended_with_entries"}
    verdict, off = judged(client, feeder, seen)
    note(
        seed=SEED, rounds=ROUNDS, produced=len(feeder.ids), counted=processed(client),
        difference=sum(abs(is_ - should) for _, _, should, is_ in off),
        lost=len(verdict.lost), doubled=len(verdict.doubled), **sound.observed,
    )  # fmt: skip
    assert verdict.word == "proved", verdict
    assert off == []
    assert len(feeder.ids) == processed(client) >= ENTRIES
    assert status(client, "lost_total") is None
    assert client.xpending(STREAM, GROUP)["pending"] == 0
    assert {each["name"] for each in client.xinfo_consumers(STREAM, GROUP)} <= set(NAMES)


@pytest.mark.timeout(sized(300, 3_600))
def test_the_same_oracle_refutes_one_beside_them_that_counts_in_a_multi(
    server, client, fleet, produce, note, say
):
    feeder = produce(SEED, 8_000)
    broken = fleet(names=["broken"], module="tests.oracles.broken_multi")
    feeder.feed_some()
    until(lambda: held_by(client, "broken"), what="a batch in the hands of the slow one")
    mistaken = set(held_by(client, "broken"))
    sound = struck(server, fleet, feeder, planned(SEED, 3, 8_000, len(NAMES)), say)
    broken.close()
    verdict, off = judged(client, feeder, sound.observed)
    note(seed=SEED, produced=len(feeder.ids), doubled=len(verdict.doubled))
    assert verdict.word == "refuted"
    assert off != []
    of_it = {fields["symbol"] for id_, fields in entries(client) if id_ in mistaken}
    assert of_it & set(verdict.doubled) == set(filter(IDENTITY.fullmatch, of_it))


def held_by(client, name):
    try:
        held = client.xpending_range(STREAM, GROUP, "-", "+", 1_000, name)
    except redis.ResponseError:  # there is no such group yet
        return []
    return [each["message_id"] for each in held]
