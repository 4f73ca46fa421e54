"""Redis restarts, hangs, loses replies, is old, refuses: totals hold and words are clear."""

import contextlib
import signal
import socket
import threading
import time

import pytest

from fault_injection.workloads.apply_result import events, feed
from streams import keys
from tests.consumers.proxy import Proxy
from tests.consumers.running import STREAM, pending, processed, status, until_counted
from tests.independent_fold import buckets_in, buckets_of, differences
from tests.waiting import until


def test_a_redis_restart_in_mid_stream_loses_and_doubles_nothing(own_redis, consumer):
    client = own_redis.client()
    running = consumer(own_redis.port).ready()
    fed = []
    for seed in range(3):
        fed += feed(client, STREAM, events(seed, 6_000, int(time.time() * 1000)))
        # with everysec and an fsync that is late, Redis answers before it has written: its kill -9
        # would then take answered entries from the stream itself, and nothing were left to count
        until(lambda: client.info("persistence")["aof_buffer_length"] == 0)  # noqa: B023
        own_redis.stop()
        own_redis.start()
        client = own_redis.client()
    until(lambda: processed(client) == len(fed) and pending(client) == 0)
    assert running.stop() == 0
    assert differences(client, fed) == []


@pytest.mark.parametrize("swallowed", ["count", "read", "beat"])
def test_a_reply_that_is_lost_after_its_effect_doubles_nothing(own_redis, consumer, swallowed):
    client = own_redis.client()
    proxy = Proxy(own_redis.port, swallowed)
    try:
        running = consumer(proxy.port).ready()
        proxy.armed = 3
        fed = []
        for seed in range(8):
            fed += feed(client, STREAM, events(seed, 700, int(time.time() * 1000)))
            until_counted(client, len(fed))
        until(lambda: proxy.armed == 0, what="three lost replies")
        until(lambda: pending(client) == 0)
        assert differences(client, fed) == []
        assert running.stop() == 0
    finally:
        proxy.close()


def test_what_a_lost_command_was_given_late_is_found_on_an_idle_stream(server, client, consumer):
    client.xgroup_create(STREAM, "p35_decision_intel", "0", mkstream=True)
    consumer(server.port, SNAPSHOT_INTERVAL_S="0.2").ready()
    now_ms = int(time.time() * 1000)
    with client.pipeline(transaction=True) as late:
        # in one MULTI, so that the consumer itself finds nothing new
        for fields in events(1, 5, now_ms):
            late.xadd(STREAM, fields)
        late.xreadgroup("p35_decision_intel", "host-1", {STREAM: ">"})
        late.execute()
    until_counted(client, 5)


def test_while_redis_hangs_the_loop_says_degraded_and_goes_on_trying(own_redis, consumer):
    client = own_redis.client()
    running = consumer(own_redis.port, WATCHDOG_USEC=1_000_000).ready()
    until(lambda: "WATCHDOG=1" in running.hear())
    own_redis.signal(signal.SIGSTOP)
    until(lambda: any(told.startswith("STATUS=degraded") for told in running.hear()))
    fed_before = running.hear().count("WATCHDOG=1")
    until(lambda: running.hear().count("WATCHDOG=1") > fed_before)
    own_redis.signal(signal.SIGCONT)
    degraded = next(n for n, told in enumerate(running.told) if told.startswith("STATUS=degraded"))
    until(lambda: any(told.startswith("STATUS=running") for told in running.hear()[degraded:]))
    until(lambda: status(client, "state") == "running")


def test_a_loop_that_does_not_turn_feeds_no_watchdog(server, consumer):
    running = consumer(server.port, WATCHDOG_USEC=400_000).ready()
    until(lambda: running.hear().count("WATCHDOG=1") > 2)
    running.signal(signal.SIGSTOP)
    running.hear()
    seen = len(running.told)
    consumer(server.port, CONSUMER_NAME="host-2", WATCHDOG_USEC=400_000).ready()
    assert running.hear()[seen:].count("WATCHDOG=1") <= 1  # one may have been on its way


def test_without_a_watchdog_nothing_is_fed(server, consumer):
    running = consumer(server.port).ready()
    running.stop()
    assert "WATCHDOG=1" not in running.hear()


def test_a_redis_that_comes_later_is_waited_for(own_redis, consumer):
    own_redis.stop()
    running = consumer(own_redis.port)
    until(lambda: any("waiting for Redis" in told for told in running.hear()))
    assert "READY=1" not in running.hear()
    own_redis.start()
    running.ready()


def test_a_stop_is_heard_while_waiting_for_redis(own_redis, consumer):
    own_redis.stop()
    running = consumer(own_redis.port)
    until(lambda: any("waiting for Redis" in told for told in running.hear()))
    assert running.stop() == 0


def test_a_wrong_password_ends_the_start_with_one_clear_line(own_redis, consumer):
    own_redis.client().config_set("requirepass", "right")
    running = consumer(own_redis.port, REDIS_PASSWORD="wrong-secret")
    assert running.ended() == 3
    *waiting, last = running.log.read_text().splitlines()
    assert "refuses the login" in last
    assert not last.startswith("{")
    assert all("waiting for redis" in line for line in waiting)
    assert "wrong-secret" not in running.log.read_text()


def test_a_password_that_reaches_redis_later_is_waited_for(own_redis, consumer):
    """A rotation over several hosts: this one has the new password before Redis has."""
    admin = own_redis.client()
    admin.config_set("requirepass", "old")
    running = consumer(own_redis.port, REDIS_PASSWORD="new")
    until(lambda: any("refuses the login" in told for told in running.hear()))
    admin.execute_command("AUTH", "old")
    admin.config_set("requirepass", "new")
    running.ready()


def test_a_user_that_redis_learns_of_later_is_waited_for(own_redis, consumer):
    """Users of their own are switched on over several hosts: this service was the faster one."""
    running = consumer(own_redis.port, REDIS_USERNAME="newcomer", REDIS_PASSWORD="new")
    until(lambda: any("refuses the login" in told for told in running.hear()))
    admin = own_redis.client()
    admin.execute_command("ACL SETUSER", "newcomer", "on", ">new", "allkeys", "+@all")
    running.ready()


def test_the_credential_beats_the_variable(own_redis, consumer, tmp_path):
    own_redis.client().config_set("requirepass", "right")
    (tmp_path / "redis_password").write_text("right\n")
    consumer(own_redis.port, REDIS_PASSWORD="wrong", CREDENTIALS_DIRECTORY=tmp_path).ready()


def old_redis(listener):
    while True:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        # a client that has heard enough hangs up in the middle
        with link, contextlib.suppress(OSError):
            while data := link.recv(4096):
                for _ in range(data.count(b"INFO")):
                    text = b"# Server\r\nredis_version:6.2.14\r\n"
                    link.sendall(b"$%d\r\n%s\r\n" % (len(text), text))
                link.sendall(b"+OK\r\n" * data.count(b"CLIENT"))


def test_redis_6_2_is_refused_with_a_clear_line(consumer):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=old_redis, args=[listener], daemon=True).start()
        running = consumer(listener.getsockname()[1], REDIS_USERNAME="")
        assert running.ended() == 3
    assert running.log.read_text() == (
        "decision intelligence: Redis 6.2.14 is too old: Redis 7.0 or newer, or Valkey, is needed\n"
    )


@pytest.mark.parametrize("spoil", ["type", "value", "status"])
def test_a_spoiled_bucket_stops_the_count_before_anything_is_acknowledged(
    server, client, consumer, spoil
):
    now_ms = int(time.time() * 1000)
    fed = feed(client, STREAM, events(2, 400, now_ms, span_ms=1))
    minutes = set(buckets_of(fed))
    for minute in minutes:
        if spoil == "type":
            client.set(keys.bucket(minute), "a string")
        elif spoil == "value":
            client.hset(keys.bucket(minute), "reason:none", "many")
    if spoil == "status":
        client.hset(keys.STATUS, "processed_total", "many")
    running = consumer(server.port).ready()
    until(lambda: any("degraded" in told for told in running.hear()))
    until(lambda: pending(client) > 0)
    # in one go each: what is put right is counted at once
    if spoil == "status":
        client.hdel(keys.STATUS, "processed_total")
    else:
        client.delete(*map(keys.bucket, minutes))
    until(lambda: processed(client) == 400)
    assert differences(client, fed) == []
    assert buckets_in(client)


def test_sigterm_in_mid_stream_leaves_a_snapshot_and_nothing_half_done(server, client, consumer):
    fed = feed(client, STREAM, events(9, 20_000, int(time.time() * 1000)))
    running = consumer(server.port, SNAPSHOT_INTERVAL_S=3_600).ready()
    until(lambda: processed(client) > 1_000)
    assert running.stop() == 0
    done = processed(client)
    assert 0 < done < 20_000
    assert pending(client) == 0
    assert differences(client, fed[:done]) == []
    assert "STOPPING=1" in running.hear()
    assert status(client, "state") == "stopped"
    window = client.hgetall(keys.decision_counts("1h"))
    assert sum(map(int, window.values())) == done
    consumer(server.port).ready()
    until(lambda: processed(client) == 20_000)
    assert differences(client, fed) == []
