"""The kill switch: thrown over anything, lifted only as it was seen."""

import pytest
import redis

from streams import kill_switch
from streams.intents import KILL_SWITCH

MINE = kill_switch.order("ada", "2026-01-01T00:00:00+00:00", "until the gate has passed")


def test_it_is_thrown_over_whatever_was_there_and_again(client):
    client.hset(KILL_SWITCH, "no", "string")
    assert kill_switch.throw(client, MINE)
    assert kill_switch.throw(client, "other words")
    assert client.get(KILL_SWITCH) == "other words"
    assert client.ttl(KILL_SWITCH) == -1


def test_holding_it_leaves_somebody_elses_words(client):
    assert kill_switch.hold(client, MINE) == MINE
    assert kill_switch.hold(client, "another's") == MINE


def test_it_is_lifted_as_it_was_seen_and_lifting_again_is_harmless(client):
    seen = kill_switch.hold(client, MINE)
    assert kill_switch.lift(client, seen)
    assert kill_switch.lift(client, seen)
    assert not client.exists(KILL_SWITCH)


def test_who_has_thrown_it_since_keeps_it_down(client):
    seen = kill_switch.hold(client, MINE)
    kill_switch.throw(client, "stop everything")
    assert not kill_switch.lift(client, seen)
    assert client.get(KILL_SWITCH) == "stop everything"


def test_a_key_of_another_type_is_not_lifted(client):
    client.hset(KILL_SWITCH, "no", "string")
    with pytest.raises(redis.ResponseError):
        kill_switch.lift(client, MINE)
    assert client.exists(KILL_SWITCH)
