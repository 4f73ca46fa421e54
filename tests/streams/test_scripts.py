"""The scripts, each where it says yes and where it says no."""

import pytest
import redis

from streams import keys, scripting

S, G, ME = "s", "g", "me"
HIGH, MOVED = keys.high_water(S, G), keys.group_moved(S, G)
BUCKET = keys.bucket("202512241901")


@pytest.fixture
def ids(client):
    made = [client.xadd(S, {"n": n}) for n in range(10)]
    client.xgroup_create(S, G, "0")
    client.xreadgroup(G, ME, {S: ">"})
    return made


def count(client, some, fields, unknown=None, cap=keys.FIELDS_PER_BUCKET, consumer=ME, after=""):
    args = [G, consumer, HIGH, MOVED, "1.000", keys.BUCKET_TTL_S, keys.UNKNOWN_TTL_S, cap, 3]
    args += [len(some), some[0], some[-1], " ".join(some), after]
    for part in (fields, unknown or {}):
        args += [len(part), *[word for pair in part.items() for word in pair]]
    return scripting.run(client, "count", [S, keys.STATUS, keys.UNKNOWN_DECISIONS, BUCKET], args)


def guard(client):
    return scripting.run(client, "guard", [S, keys.STATUS], [G, HIGH, MOVED])


def join(client):
    return scripting.run(client, "join", [S, keys.STATUS], [G, HIGH, MOVED])


def test_a_batch_is_counted_once_and_marked(client, ids):
    assert count(client, ids, {"decision:SKIP": 10, "reason:x": 10}) == ["COUNTED", 10]
    assert client.hgetall(BUCKET) == {"decision:SKIP": "10", "reason:x": "10"}
    assert 0 < client.ttl(BUCKET) <= keys.BUCKET_TTL_S
    assert client.hget(keys.STATUS, HIGH) == ids[-1] == client.hget(keys.STATUS, "last_id")
    assert client.hget(keys.STATUS, "processed_total") == "10"
    assert count(client, ids, {"decision:SKIP": 10}) == ["SPLIT"]
    assert count(client, ids[:1], {"decision:SKIP": 1}) == ["COUNTED", 0]
    assert client.hget(BUCKET, "decision:SKIP") == "10"


def test_a_batch_that_is_not_exactly_what_is_pending_is_left_alone(client, ids):
    assert count(client, [*ids[:4], *ids[5:]], {"decision:SKIP": 9}) == ["SPLIT"]
    assert count(client, ids, {"decision:SKIP": 10}, consumer="other") == ["SPLIT"]
    assert client.xpending(S, G)["pending"] == 10
    assert not client.exists(BUCKET)


def test_the_high_water_id_never_sinks(client, ids):
    count(client, ids[5:], {"decision:SKIP": 5})
    count(client, ids[:5], {"decision:SKIP": 5})
    assert client.hget(keys.STATUS, HIGH) == ids[-1]


def test_fields_past_the_cap_are_counted_as_overflow_and_decisions_are_not(client, ids):
    fields = {f"reason:r{n}": 1 for n in range(20)}
    assert count(client, ids[:5], {"decision:SKIP": 5, **fields}, cap=16) == ["COUNTED", 5]
    held = client.hgetall(BUCKET)
    assert len(held) == 11
    assert held["overflow"] == "11"
    assert count(client, ids[5:], {"decision:ERROR": 5, "reason:r0": 4, "reason:new": 3}, cap=16)
    held = client.hgetall(BUCKET)
    assert held["decision:ERROR"] == "5"
    assert held["reason:r0"] == "5"
    assert held["overflow"] == "14"
    assert len(held) <= 16


def test_more_fields_than_one_call_can_carry_are_counted(client, ids):
    fields = {f"reason:r{n}": 1 for n in range(9_000)}
    assert count(client, ids, fields, cap=20_000) == ["COUNTED", 10]
    assert client.hlen(BUCKET) == 9_000


def test_words_not_understood_keep_the_most_frequent_and_end_after_five_minutes(client, ids):
    count(client, ids[:5], {"decision:UNKNOWN": 5}, {"A": 1, "B": 5, "C": 4, "D \n\0": 3})
    top = client.zrange(keys.UNKNOWN_DECISIONS, 0, -1, withscores=True)
    assert top == [("D \n\0", 3.0), ("C", 4.0), ("B", 5.0)]
    client.expire(keys.UNKNOWN_DECISIONS, 100)
    count(client, ids[5:], {"decision:UNKNOWN": 5}, {"B": 1})
    assert client.ttl(keys.UNKNOWN_DECISIONS) <= 100


@pytest.mark.parametrize(
    ("key", "spoil"),
    [
        (BUCKET, lambda client: client.set(BUCKET, "x")),
        (BUCKET, lambda client: client.hset(BUCKET, "reason:x", "1.5")),
        (BUCKET, lambda client: client.hset(BUCKET, "overflow", "many")),
        (BUCKET, lambda client: client.hset(BUCKET, "reason:x", "9" * 18)),
        (keys.STATUS, lambda client: client.set(keys.STATUS, "x")),
        (keys.STATUS, lambda client: client.hset(keys.STATUS, "processed_total", "x")),
        (keys.UNKNOWN_DECISIONS, lambda client: client.set(keys.UNKNOWN_DECISIONS, "x")),
    ],
)
def test_a_spoiled_key_is_named_before_anything_is_done(client, ids, key, spoil):
    spoil(client)
    assert count(client, ids, {"decision:SKIP": 10, "reason:x": 10}, {"A": 1})[:2] == [
        "SPOILED",
        key,
    ]
    assert client.xpending(S, G)["pending"] == 10


def test_a_group_that_is_gone_counts_nothing(client, ids):
    client.xgroup_destroy(S, G)
    assert count(client, ids, {"decision:SKIP": 10}) == ["GONE"]
    assert count(client, ids[:1], {"decision:SKIP": 1}) == ["COUNTED", 0]
    assert not client.exists(BUCKET)


def test_a_mark_stops_the_count(client, ids):
    client.hset(keys.STATUS, MOVED, "back")
    assert count(client, ids, {"decision:SKIP": 10}) == ["MOVED", "back"]
    assert count(client, ids[:1], {"decision:SKIP": 1}) == ["MOVED", "back"]


def test_the_guard_lets_a_group_pass_that_stands_where_it_was(client, ids):
    assert guard(client) == ["OK", ids[-1]]
    count(client, ids, {"decision:SKIP": 10})
    assert guard(client) == ["OK", ids[-1]]


def test_the_guard_marks_a_group_below_what_was_counted_and_the_mark_stays(client, ids):
    count(client, ids, {"decision:SKIP": 10})
    client.xgroup_setid(S, G, ids[-2])
    assert guard(client)[0] == "MOVED"
    client.xgroup_setid(S, G, ids[-1])
    assert guard(client)[0] == "MOVED"
    client.hdel(keys.STATUS, MOVED)
    assert guard(client) == ["OK", ids[-1]]


def test_the_guard_compares_ids_as_numbers(client):
    client.xgroup_create(S, G, "99-9", mkstream=True)
    client.hset(keys.STATUS, HIGH, "99-10")
    assert guard(client)[0] == "MOVED"
    client.hdel(keys.STATUS, MOVED)
    client.xgroup_setid(S, G, "100-0")
    assert guard(client) == ["OK", "100-0"]


def test_the_guard_marks_a_group_that_is_gone(client):
    assert guard(client) == ["MOVED", "gone, counted up to 0-0"]


def test_a_new_group_begins_at_the_beginning(client):
    assert join(client) == ["CREATED"]
    assert client.xinfo_groups(S)[0]["last-delivered-id"] == "0-0"
    assert join(client) == ["JOINED"]


def test_a_group_that_counted_before_is_not_made_again(client):
    client.hset(keys.STATUS, HIGH, "5-5")
    assert join(client) == ["MOVED", "gone, counted up to 5-5"]
    assert not client.exists(S)
    assert join(client)[0] == "MOVED"


def reclaim(client, idle_ms=0, most=100):
    args = [G, "heir", idle_ms, most, 100, keys.heartbeat(G, "")]
    _, claimed, lost, dropped = scripting.run(client, "reclaim", [S, keys.STATUS], args)
    assert dropped == 0
    return [claimed, lost]


def test_the_heir_takes_what_the_dead_left_and_no_more_than_asked(client, ids):
    assert reclaim(client, most=4) == [4, []]
    assert reclaim(client) == [6, []]
    assert reclaim(client) == [0, []]
    assert client.xpending(S, G)["consumers"] == [{"name": "heir", "pending": 10}]


def test_the_heir_leaves_what_is_not_idle_for_long_enough(client, ids):
    assert reclaim(client, idle_ms=3_600_000) == [0, []]


def test_the_heir_leaves_the_living_alone(client, ids):
    client.set(keys.heartbeat(G, ME), "alive")
    assert reclaim(client) == [0, []]


def test_what_was_trimmed_is_lost_once(client, ids):
    client.xdel(S, ids[2])
    assert reclaim(client) == [9, [ids[2]]]
    assert client.hget(keys.STATUS, "lost_total") == "1"
    assert client.xpending(S, G)["pending"] == 9
    lost = scripting.run(client, "lost", [S, keys.STATUS], [G, ids[0], ids[2]])
    assert lost == [ids[0]]


def test_without_a_group_there_is_nothing_to_reclaim(client):
    assert reclaim(client) == [0, []]


def test_a_heartbeat_is_taken_renewed_replaced_and_left(client):
    def beat(mine, replace=""):
        return scripting.run(client, "beat", ["hb"], [mine, 10_000, replace])

    def leave(mine):
        return scripting.run(client, "leave", ["hb"], [mine])

    assert beat("a") == []
    client.pexpire("hb", 500)
    assert beat("a") == []
    assert client.pttl("hb") > 500
    assert beat("b")[0] == "a"
    assert beat("b", "not a")[0] == "a"
    assert beat("b", "a") == []
    assert leave("a") == 0
    assert leave("b") == 1


def test_a_server_that_never_met_a_script_is_given_its_text(client):
    client.script_flush()
    assert join(client) == ["CREATED"]
    assert join(client) == ["JOINED"]


def test_other_errors_pass_through(client):
    client.set(S, "x")
    with pytest.raises(redis.ResponseError):
        join(client)


def stands(client):
    return client.xinfo_groups(S)[0]


@pytest.fixture
def seen(client):
    """Ten entries that the group was never given."""
    made = [client.xadd(S, {"n": n}) for n in range(10)]
    client.xgroup_create(S, G, "0")
    return made


def test_entries_that_were_seen_are_counted_by_moving_the_group_past_them(client, seen):
    assert count(client, seen[:6], {"decision:SKIP": 6}, after="0-0") == ["COUNTED", 6]
    assert stands(client)["last-delivered-id"] == seen[5] == client.hget(keys.STATUS, HIGH)
    assert stands(client)["pending"] == 0
    assert client.hget(BUCKET, "decision:SKIP") == "6"
    assert client.hget(keys.STATUS, "last_id") == seen[5]


def test_the_lag_that_redis_tells_stays_true(client, seen):
    client.xreadgroup(G, ME, {S: ">"}, count=2)
    assert stands(client)["lag"] == 8
    assert count(client, seen[2:6], {"decision:SKIP": 4}, after=seen[1]) == ["COUNTED", 4]
    assert stands(client)["lag"] == 4
    assert stands(client)["entries-read"] == 6


def test_entries_that_were_seen_are_counted_once(client, seen):
    assert count(client, seen[:6], {"decision:SKIP": 6}, after="0-0") == ["COUNTED", 6]
    assert count(client, seen[:6], {"decision:SKIP": 6}, after="0-0") == ["SPLIT"]
    assert count(client, seen[:1], {"decision:SKIP": 1}, after="0-0") == ["SPLIT"]
    assert client.hget(BUCKET, "decision:SKIP") == "6"


def test_entries_that_were_seen_and_then_given_to_another_are_left_alone(client, seen):
    client.xreadgroup(G, "other", {S: ">"}, count=1)
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0") == ["SPLIT"]
    assert stands(client)["last-delivered-id"] == seen[0]
    assert not client.exists(BUCKET)


def test_a_group_that_was_set_back_to_where_entries_were_seen_counts_nothing_again(client, seen):
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0") == ["COUNTED", 10]
    client.xgroup_setid(S, G, "0")
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0") == ["SPLIT"]
    assert client.hget(BUCKET, "decision:SKIP") == "10"
    assert guard(client)[0] == "MOVED"


def test_for_entries_that_were_seen_a_group_that_is_gone_is_said(client, seen):
    client.xgroup_destroy(S, G)
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0") == ["GONE"]
    client.delete(S)
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0") == ["GONE"]


def test_a_mark_and_a_spoiled_bucket_stop_the_count_of_what_was_seen(client, seen):
    client.hset(BUCKET, "decision:SKIP", "many")
    assert count(client, seen, {"decision:SKIP": 10}, after="0-0")[0] == "SPOILED"
    client.hset(keys.STATUS, MOVED, "back")
    assert count(client, seen, {}, after="0-0") == ["MOVED", "back"]
    assert stands(client)["last-delivered-id"] == "0-0"


def test_the_lag_is_no_lie_where_entries_were_deleted_before_they_were_seen(client, seen):
    client.xreadgroup(G, ME, {S: ">"}, count=1)
    client.xdel(S, seen[2])
    left = [seen[1], *seen[3:6]]
    assert count(client, left, {"decision:SKIP": 4}, after=seen[0]) == ["COUNTED", 4]
    assert stands(client)["lag"] in {None, 4}


def test_the_last_id_never_sinks(client, ids):
    count(client, ids[5:], {"decision:SKIP": 5})
    count(client, ids[:5], {"decision:SKIP": 5})
    assert client.hget(keys.STATUS, "last_id") == ids[-1]


def test_a_high_water_id_that_is_none_is_replaced(client, ids):
    client.hset(keys.STATUS, HIGH, "x")
    assert count(client, ids, {"decision:SKIP": 10}) == ["COUNTED", 10]
    assert client.hget(keys.STATUS, HIGH) == ids[-1]


def test_the_same_fields_of_many_hashes_are_read_in_their_order(client):
    client.hset("a", mapping={"x": 1, "y": 2})
    answer = scripting.run(client, "peek", ["a", "none"], ["y", "z", "x"])
    assert answer == [["2", None, "1"], [None, None, None]]
    client.set("b", "x")
    with pytest.raises(redis.ResponseError):
        scripting.run(client, "peek", ["a", "b"], ["x"])
