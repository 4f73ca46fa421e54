"""Windows and status as one reads them from outside."""

import time

import pytest

from consumers.analytics.settings import Settings
from consumers.analytics.snapshots import Snapshots
from consumers.decision_intelligence import place
from fault_injection.workloads.apply_result import events, feed
from streams import keys, windows
from tests.consumers.running import STATUS, STREAM, processed, status
from tests.contexts import context
from tests.independent_fold import buckets_in
from tests.waiting import until


@pytest.fixture
def snapshots(server):
    return Snapshots(context(Settings, place, server.port))


def now_minute(client):
    return client.time()[0] // 60


def put(client, minutes_ago, now=None, **fields):
    minute = (now or now_minute(client)) - minutes_ago
    for name, count in fields.items():
        key = keys.bucket(keys.minute_name(minute))
        client.hincrby(key, name.replace("__", ":"), count)


def counts(client, window):
    return {name: int(n) for name, n in client.hgetall(keys.decision_counts(window)).items()}


def test_each_window_is_the_sum_of_its_minutes(client, snapshots):
    # 3, 10 and 30 minutes ago stay inside their windows whether or not a minute turns meanwhile
    put(client, 3, decision__SKIP=1, reason__a=1)
    put(client, 10, decision__SKIP=2, reason__b=2)
    put(client, 30, decision__BLOCKED=4, reason__a=4)
    put(client, 70, decision__ERROR=8, reason__z=8)
    snapshots.take()
    assert counts(client, "1m") == {}
    assert not client.exists(keys.decision_counts("1m"))
    assert counts(client, "5m") == {"SKIP": 1}
    assert counts(client, "15m") == {"SKIP": 3}
    assert counts(client, "1h") == {"SKIP": 3, "BLOCKED": 4}
    assert client.zrevrange(keys.top_reasons("1h"), 0, -1, withscores=True) == [("a", 5), ("b", 2)]
    assert 0 < client.ttl(keys.top_reasons("1h")) <= keys.SNAPSHOT_TTL_S
    assert 0 < client.ttl(keys.decision_counts("1h")) <= keys.SNAPSHOT_TTL_S


def test_a_late_event_of_a_closed_minute_is_shown_whoever_counted_it(client, snapshots):
    put(client, 10, decision__SKIP=2, reason__b=2)
    snapshots.take()
    put(client, 10, decision__SKIP=1, reason__late=1)
    snapshots.take()
    assert counts(client, "15m") == {"SKIP": 3}
    assert client.zscore(keys.top_reasons("15m"), "late") == 1


def test_closed_minutes_are_not_read_again(client, snapshots):
    for ago in (10, 20, 30):
        put(client, ago, decision__SKIP=1, reason__a=1, symbol_reason__B__a=1)
    snapshots.take()
    client.config_resetstat()
    snapshots.take()
    stats = client.info("commandstats")
    # the decisions of the hour's minutes, and the reasons of those that are not closed
    assert stats["cmdstat_hmget"]["calls"] <= 63
    assert "cmdstat_hgetall" not in stats


def test_a_reason_never_met_before_is_found_in_whatever_minute(client, snapshots):
    now = now_minute(client)  # a minute may turn meanwhile
    for ago in range(2, 40):
        put(client, ago, now, **{"decision__SKIP": 2, "reason__a": 1, f"reason__r{ago}": 1})
    snapshots.take()
    assert client.zcard(keys.top_reasons("1h")) == 39
    for ago in range(2, 40):
        put(client, ago, now, **{"decision__SKIP": 1, f"reason__s{ago}": 1})
    snapshots.take()
    assert client.zscore(keys.top_reasons("1h"), "a") == 38
    assert client.zcard(keys.top_reasons("1h")) == windows.TOP_REASONS


def test_events_whose_reason_found_no_room_do_not_hide_the_others(client, snapshots):
    put(client, 3, decision__SKIP=5, reason__a=2, overflow=3)
    snapshots.take()
    put(client, 3, decision__SKIP=2, reason__b=1, overflow=1)
    snapshots.take()
    top = client.zrevrange(keys.top_reasons("5m"), 0, -1, withscores=True)
    assert top == [("a", 2), ("b", 1)]


def test_a_window_that_has_become_empty_is_deleted(client, snapshots):
    put(client, 3, decision__SKIP=1, reason__a=1)
    snapshots.take()
    client.delete(*client.keys("quantum:p35:bucket:*"))
    snapshots.take()
    assert client.keys("quantum:p35:decision:counts:*") == []
    assert client.keys("quantum:p35:reason:top:*") == []


def test_a_field_that_is_no_count_is_passed_over(client, snapshots):
    put(client, 3, decision__SKIP=1)
    client.hset(keys.bucket(keys.minute_name(now_minute(client) - 3)), "reason:x", "many")
    snapshots.take()
    assert counts(client, "5m") == {"SKIP": 1}


def test_the_running_consumer_shows_what_it_counted(server, client, consumer):
    fed = feed(client, STREAM, events(8, 3_000, int(time.time() * 1000)))
    consumer(server.port, SNAPSHOT_INTERVAL_S="0.2", QUANTUM_RELEASE="abc123").ready()
    until(lambda: sum(counts(client, "1h").values()) == 3_000)
    total = windows.summed(buckets_in(client).values())
    assert counts(client, "1h") == windows.decisions(total)
    top = dict(client.zrange(keys.top_reasons("1h"), 0, -1, withscores=True))
    assert top == windows.top_reasons(total)
    until(lambda: status(client, "lag") == "0")
    told = client.hgetall(STATUS)
    assert told["state"] == "running"
    assert told["consumer_name"] == "host-1"
    assert told["version"] == "abc123"
    assert told["pending_estimate"] == "0"
    assert told["last_id"] == fed[-1][0]
    assert float(told["last_ts"]) > 1e9
    assert float(told["service_start_ts"]) <= time.time()
    assert processed(client) == 3_000
    unknown = client.zrange(keys.UNKNOWN_DECISIONS, 0, -1)
    assert "HOLD" in unknown
    assert 0 < client.ttl(keys.UNKNOWN_DECISIONS) <= 300


def test_each_line_of_the_log_comes_once(server, client, consumer):
    running = consumer(server.port).ready()
    running.stop()
    assert [line["event"] for line in running.lines()] == ["ready", "stopped"]
