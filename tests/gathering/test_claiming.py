"""Claims as they are seen while they happen: of whom, whether that one lived, idle for how long."""

import json
import time
from dataclasses import replace

import pytest

from fault_injection import gathering
from fault_injection.checkers import judge_one
from fault_injection.gathering.claiming import Claims
from fault_injection.gathering.monitor import Seen
from fault_injection.history import happenings as h
from streams import keys, scripting
from tests.gathering.running import ROUTING, Told
from tests.router.routers import add, decided

S, IDLE_MS = 10**9, 5_000
STREAM, GROUP = ROUTING.stream, ROUTING.group
BEAT_MS = 60_000
#: The look at the heartbeat in reclaim.lua, and what takes it out.
LOOK = "redis.call('EXISTS', ARGV[6] .. name) == 0"


class Taken:
    """A group in which `owner` has one entry for long enough, and another one takes over."""

    def __init__(self, client):
        self.client, self.told = client, Told()
        add(client, decided())
        client.xgroup_create(STREAM, GROUP, "0")
        self.watch = gathering.Watch(client, [ROUTING])
        self.watch.begin()
        self.opened = {ROUTING.flow: gathering.opened(client, ROUTING)}
        (self.entry,) = add(client, decided())
        self.beats("owner", BEAT_MS)
        self.beats("thief", BEAT_MS)
        client.xreadgroup(GROUP, "owner", {STREAM: ">"})

    def beats(self, name, ttl_ms):
        beat = json.dumps({"pid": 1})
        assert scripting.run(
            self.client, "beat", [keys.heartbeat(GROUP, name)], [beat, ttl_ms, ""]
        ) == []  # fmt: skip

    def reclaims(self, script=None, idle_ms=0):
        text = script or scripting.load("reclaim").text
        words = [GROUP, "thief", idle_ms, 100, 100, keys.heartbeat(GROUP, "")]
        return self.client.eval(text, 2, STREAM, "status", *words)

    def judged(self, claim_idle_ms=0):
        self.watch.end()
        lines = self.watch.lines(self.opened)
        seen = self.watch.evidence(ROUTING, self.opened[ROUTING.flow])
        place = replace(ROUTING, claim_idle_ms=claim_idle_ms)
        self.told.say(gathering.flow(place, *seen), *lines)
        self.claims = [
            each for each in lines if isinstance(each, h.Delivery) and each.how == h.CLAIMED
        ]
        return judge_one("claims_from_the_dead", self.told.history())


@pytest.fixture
def taken(server, client):
    made = Taken(client)
    yield made
    made.watch.end()


def test_the_living_keep_theirs(taken):
    taken.reclaims()
    assert taken.judged().verdict.name == "proved"
    assert taken.claims == []


def test_what_a_dead_one_left_is_taken_from_it(taken):
    taken.client.delete(keys.heartbeat(GROUP, "owner"))
    taken.reclaims()
    assert taken.judged().verdict.name == "proved"
    told = {(each.entry, each.owner, each.owner_lives, each.consumer) for each in taken.claims}
    assert (taken.entry, "owner", False, "thief") in told


def test_a_heartbeat_that_ran_out_is_a_death(taken):
    taken.beats("owner", 60_000)
    taken.client.delete(keys.heartbeat(GROUP, "owner"))
    taken.beats("owner", 1)
    while taken.client.exists(keys.heartbeat(GROUP, "owner")):
        time.sleep(0.001)
    taken.reclaims()
    assert taken.judged().verdict.name == "proved"
    assert {each.owner_lives for each in taken.claims} == {False}


def test_a_script_that_does_not_look_at_the_heartbeat_is_refuted(taken):
    text = scripting.load("reclaim").text
    assert text.count(LOOK) == 1
    taken.reclaims(text.replace(LOOK, "true"))
    found = taken.judged()
    assert found.verdict.name == "refuted"
    assert "taken from the living" in found.reasons[0]


@pytest.mark.parametrize("command", ["XCLAIM", "XAUTOCLAIM"])
def test_who_takes_over_without_asking_whose_it_is_is_refuted(taken, command):
    taken.client.xpending_range(STREAM, GROUP, "-", "+", 1, "ghost")
    taken.client.execute_command(command, STREAM, GROUP, "thief", 0, taken.entry)
    assert taken.judged().verdict.name == "refuted"
    assert [(each.owner, each.owner_lives) for each in taken.claims] == [("", True)]


def test_entries_that_are_taken_too_soon_are_refuted(taken):
    taken.client.delete(keys.heartbeat(GROUP, "owner"))
    taken.reclaims(idle_ms=0)
    found = taken.judged(claim_idle_ms=IDLE_MS)
    assert found.verdict.name == "refuted"
    assert "before they were idle long enough" in found.reasons[0]


def seen(at_s, command, *words, script=1):
    return Seen(int(at_s * S), command, list(words), script)


def test_an_owner_lives_as_long_as_its_heartbeat_was_given():
    def owner_lives(claimed_at_s):
        claims = Claims({("s", "g"): "some"})
        told = [
            *claims.heard(seen(10, "SET", keys.heartbeat("g", "owner"), "v", "PX", "10000")),
            *claims.heard(seen(12, "SET", keys.heartbeat("g", "owner"), "v", "PX", "10000")),
            *claims.heard(
                seen(claimed_at_s, "XPENDING", "s", "g", "IDLE", "1", "-", "+", "9", "owner")
            ),
            *claims.heard(
                seen(claimed_at_s, "XCLAIM", "s", "g", "thief", "1", "1-1", "2-1", "JUSTID")
            ),
        ]
        assert [each.entry for each in told] == ["1-1", "2-1"]
        (lives,) = {each.owner_lives for each in told}
        return lives

    assert owner_lives(21.5)
    assert not owner_lives(22)
    assert not owner_lives(60)


def test_another_group_s_claims_and_other_streams_are_no_matter():
    claims = Claims({("s", "g"): "some"})
    assert list(claims.heard(seen(1, "XCLAIM", "s", "other", "thief", "1", "1-1"))) == []
    assert list(claims.heard(seen(1, "XCLAIM", "other", "g", "thief", "1", "1-1"))) == []
