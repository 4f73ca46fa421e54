"""Restart after restart leaves as many consumers in the group as live, and every entry counted."""

import random
import signal

import pytest

from streams import keys
from tests.consumers.running import GROUP, STREAM, processed
from tests.independent_fold import differences
from tests.oracles.checking import conservation
from tests.oracles.fleet import NAMES
from tests.oracles.gathering import entries, history
from tests.oracles.scale import sized
from tests.oracles.traffic import until_settled
from tests.waiting import until

SEED = 20_261_123
RESTARTS, RENAMED = sized(6, 1_000), sized(6, 300)
#: Entries between one round and the next; a round restarts so many at once.
STEP, AT_ONCE = 500, 2
ENTRIES = RESTARTS // AT_ONCE * STEP


def restarted(client, fleet, feeder, restarts, name_of, say):
    """Return the fleet after its restarts, by SIGTERM or SIGKILL."""
    chance, sound = random.Random(SEED), fleet()
    for number in range(restarts // AT_ONCE):
        sound.ready()
        feeder.feed_some(STEP)
        victims = chance.sample(range(len(NAMES)), AT_ONCE)
        names = {victim: name_of(sound.names[victim], number) for victim in victims}
        sound.replace(names, chance.choice((signal.SIGTERM, signal.SIGKILL)))
        if number % 50 == 0:
            done = (number + 1) * AT_ONCE
            say(f"{done} restarts, {processed(client)} counted")
    return sound


def renamed(name, number):
    return f"{name[:6]}-{number}"


def listed(client):
    return {each["name"] for each in client.xinfo_consumers(STREAM, GROUP)}


def conserved(client, feeder, sound, note):
    members = len(listed(client))
    sound.ready().stop()
    verdict = conservation(history(client, feeder.ids), at_least=1_000)
    off = differences(client, entries(client))
    note(
        seed=SEED, produced=len(feeder.ids), counted=processed(client), difference=len(off),
        lost=len(verdict.lost), doubled=len(verdict.doubled), consumers_listed=members,
        **sound.observed,
    )  # fmt: skip
    assert verdict.word == "proved", verdict
    assert off == []


@pytest.mark.timeout(sized(300, 3_600))
def test_restarts_under_stable_names_leave_four_consumers(client, fleet, produce, note, say):
    feeder = produce(SEED, ENTRIES)
    sound = restarted(client, fleet, feeder, RESTARTS, lambda name, _: name, say)
    until_settled(client)
    until(lambda: listed(client) == set(NAMES), what="a group of the living")
    conserved(client, feeder, sound, note)


@pytest.mark.timeout(sized(300, 3_600))
def test_restarts_under_ever_new_names_leave_four_consumers(client, fleet, produce, note, say):
    feeder = produce(SEED, ENTRIES)
    sound = restarted(client, fleet, feeder, RENAMED, renamed, say)
    for name in listed(client) - set(sound.names):
        client.delete(keys.heartbeat(GROUP, name))  # it runs out, here at once
    until_settled(client)
    until(lambda: listed(client) == set(sound.names), what="a group of the living")
    conserved(client, feeder, sound, note)
