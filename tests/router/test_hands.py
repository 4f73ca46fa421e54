"""Entries change hands, keys are spoiled, groups move: the script touches what is its own."""

import json

import pytest

from consumers.loop.failing import GroupMovedError, SpoiledKeyError
from consumers.strategy_router import CONSUMER
from streams import keys
from tests.killing import live
from tests.router.routers import (
    DEAD,
    DEDUP,
    GROUP,
    INTENTS,
    RECORD,
    RESULTS,
    STATUS,
    STREAM,
    add,
    decided,
    intents,
    pending,
    router,
    said,
    take,
)

LIMITED = {"RATE_LIMIT_PER_SYMBOL": 2, "RATE_LIMIT_WINDOW_S": 3_600}


def test_an_old_owner_that_comes_back_after_a_claim_routes_nothing(server, client):
    old, new = router(server, "old"), router(server, "new")
    add(client, *[decided(trace_id=f"t-{n}") for n in range(20)])
    batch = take(old[0], 20)
    client.xclaim(STREAM, GROUP, "new", 0, [entry_id for entry_id, _ in batch])
    old[1].take(batch)
    assert not client.exists(INTENTS)
    assert len(said(old[0], "settled before, or taken over")) == 20
    assert client.xpending(STREAM, GROUP)["consumers"] == [{"name": "new", "pending": 20}]
    live(*new)
    assert len(intents(client)) == 20
    old[1].take(batch)
    assert len(intents(client)) == 20
    assert pending(client) == 0


def test_of_a_batch_the_routers_own_entries_are_routed_and_a_peers_are_left(server, client):
    old = router(server, "old")
    add(client, *[decided(trace_id=f"t-{n}") for n in range(30)])
    batch = take(old[0], 30)
    stolen = [entry_id for entry_id, _ in batch[5:15]]
    client.xclaim(STREAM, GROUP, "new", 0, stolen)
    old[1].take(batch)
    assert len(intents(client)) == 20
    assert {e["message_id"] for e in client.xpending_range(STREAM, GROUP, "-", "+", 99)} == set(
        stolen
    )


def test_what_lies_between_a_batchs_entries_hides_none_of_them(server, client):
    # more is pending in the batch's range than one look at it shows
    made = router(server)
    add(client, *[decided(trace_id=f"t-{n}") for n in range(60)])
    batch = take(made[0], 60)
    made[1].take([batch[0], batch[-2], batch[-1]])
    assert {i["trace_id"] for i in intents(client).values()} == {"t-0", "t-58", "t-59"}
    assert pending(client) == 57


def test_two_routers_on_one_group_route_each_decision_once(server, client):
    one, two = router(server, "one"), router(server, "two")
    add(client, *[decided(trace_id=f"t-{n % 40}") for n in range(80)])
    for turn in range(8):
        made = (one, two)[turn % 2]
        made[1].take(take(made[0], 10))
    assert len(intents(client)) == 40
    assert pending(client) == 0
    assert len(said(one[0], "DUPLICATE_SKIP") + said(two[0], "DUPLICATE_SKIP")) == 40


@pytest.mark.parametrize("key", [INTENTS, RESULTS, STATUS, "quantum:router:published:BTCUSDT"])
def test_a_spoiled_key_of_all_stops_the_batch_before_anything_is_done(server, client, key):
    made = router(server, **LIMITED)
    add(client, decided(trace_id="t-1"))
    batch = take(made[0], 1)
    client.delete(key)
    client.set(key, "a string")
    with pytest.raises(SpoiledKeyError, match=key):
        made[1].take(batch)
    assert pending(client) == 1
    assert not client.exists(f"{DEDUP}t-1")
    client.delete(key)
    made[1].take(batch)
    assert len(intents(client)) == 1


def test_a_total_that_is_no_number_stops_the_batch_too(server, client):
    made = router(server)
    add(client, decided(trace_id="t-1"))
    batch = take(made[0], 1)
    client.hset(STATUS, "routed_total", "many")
    with pytest.raises(SpoiledKeyError, match="routed_total"):
        made[1].take(batch)
    assert not client.exists(INTENTS)


@pytest.mark.parametrize("prefix", [DEDUP, RECORD])
def test_a_spoiled_key_of_one_identity_makes_its_decision_a_dead_letter(server, client, prefix):
    client.lpush(f"{prefix}t-1", "a list")
    [first, _] = add(client, decided(trace_id="t-1"), decided(trace_id="t-2"))
    live(*router(server))
    assert [i["trace_id"] for i in intents(client).values()] == ["t-2"]
    [(_, dead)] = client.xrange(DEAD)
    assert (dead["original_id"], dead["reason"]) == (first, f"spoiled_key:{prefix}t-1")
    assert client.type(f"{prefix}t-1") == "list"


def test_a_mark_that_the_group_moved_stops_the_batch(server, client):
    made = router(server)
    add(client, decided(trace_id="t-1"))
    batch = take(made[0], 1)
    client.hset(STATUS, keys.group_moved(STREAM, GROUP), "back")
    with pytest.raises(GroupMovedError, match="back"):
        made[1].take(batch)
    assert not client.exists(INTENTS)


def test_a_group_that_is_gone_stops_the_batch(server, client):
    made = router(server)
    add(client, decided(trace_id="t-1"))
    batch = take(made[0], 1)
    client.xgroup_destroy(STREAM, GROUP)
    with pytest.raises(GroupMovedError, match="gone"):
        made[1].take(batch)
    assert not client.exists(INTENTS)


def test_the_high_water_id_rises_and_never_sinks(server, client):
    made = router(server)
    ids = add(client, *[decided(trace_id=f"t-{n}") for n in range(4)])
    batch = take(made[0], 4)
    made[1].take(batch[2:])
    made[1].take(batch[:2])
    assert client.hget(STATUS, keys.high_water(STREAM, GROUP)) == ids[3]


def test_a_redis_without_room_is_told_before_anything_is_done(own_redis):
    client = own_redis.client()
    made = router(own_redis)
    add(client, decided(trace_id="t-1"))
    batch = take(made[0], 1)
    client.config_set("maxmemory", "1mb")
    with pytest.raises(Exception, match="maxmemory"):
        made[1].take(batch)
    client.config_set("maxmemory", "0")
    assert not client.exists(INTENTS, f"{DEDUP}t-1")
    assert pending(client) == 1
    made[1].take(batch)
    assert len(intents(client)) == 1


def test_each_router_says_how_it_stands_under_its_own_name(server):
    made, work = router(server, "one", RATE_LIMIT_PER_SYMBOL=5)
    assert made.place.standing == f"{STATUS}:one"
    assert made.place.status == STATUS
    assert work.about() == {"rate_limit": "5 in 60 s"}
    assert router(server)[1].about() == {"rate_limit": "none"}
    assert json.dumps(work.due_in_s()) == "Infinity"
    assert work.held() == ""
    assert CONSUMER.name == "strategy_router"
