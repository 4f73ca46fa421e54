"""Slow is not dead: a handler ten times slower than the claim time runs once, on any stream."""

import signal

import pytest

from streams import keys
from tests.oracles.scale import sized
from tests.oracles.slow_handler import BEGUN, EFFECTS, GO, GROUP, STREAM
from tests.waiting import until

CLAIM_IDLE_MS = sized(100, 2_000)
#: Ten times the claim time; in full also beyond what a heartbeat lasts without being renewed.
SLOW_MS = 10 * CLAIM_IDLE_MS
#: How long a dead consumer's heartbeat is left to itself; shorter, it is brought forward.
HEARTBEAT_MS = sized(1_500, None)


@pytest.fixture
def slow(consumer, server):
    def start(name):
        return consumer(
            server.port, module="tests.oracles.slow_handler",
            CONSUMER_NAME=name, BATCH_SIZE=1, CLAIM_IDLE_MS=CLAIM_IDLE_MS,
        ).ready()  # fmt: skip

    return start


def owner_and_idle_ms(client):
    (held,) = client.xpending_range(STREAM, GROUP, "-", "+", 10)
    return held["consumer"], held["time_since_delivered"]


def looks(client):
    """Return how often anybody looked for the dead."""
    return client.info("commandstats")["cmdstat_xinfo|consumers"]["calls"]


def renewed(client, name):
    """Return once the heartbeat of `name` was renewed."""
    key, seen = keys.heartbeat(GROUP, name), []

    def longer():
        seen.append(client.pttl(key))
        return len(seen) > 1 and seen[-1] > seen[-2] > 0

    until(longer, what=f"a heartbeat of {name}")


def in_its_handler(client, slow):
    """Return a slow consumer and the entry it works on, on a stream where nothing else comes."""
    running = slow("slow")
    entry_id = client.xadd(STREAM, {"n": 1})
    until(lambda: client.llen(BEGUN) == 1)
    return running, entry_id


def test_a_handler_ten_times_slower_than_the_claim_time_runs_once(client, slow, note):
    running, entry_id = in_its_handler(client, slow)
    peers = [slow("peer-1"), slow("peer-2")]
    before = looks(client)
    for _ in range(2):
        renewed(client, "slow")
    until(lambda: owner_and_idle_ms(client)[1] > SLOW_MS)
    until(lambda: looks(client) > before + 10, what="peers that look for the dead")
    owner, idle_ms = owner_and_idle_ms(client)
    assert owner == "slow"
    client.set(GO, 1)
    until(lambda: client.hlen(EFFECTS) == 1)
    assert [each.stop() for each in (running, *peers)] == [0, 0, 0]
    note(claim_idle_ms=CLAIM_IDLE_MS, handled_ms=idle_ms, runs=client.llen(BEGUN))
    assert client.lrange(BEGUN, 0, -1) == [f"slow {entry_id}"]
    assert client.hgetall(EFFECTS) == {entry_id: "1"}


def test_a_killed_ones_entry_is_taken_on_an_idle_stream_once_its_heartbeat_is_gone(
    client, slow, note
):
    running, entry_id = in_its_handler(client, slow)
    slow("peer")
    key = keys.heartbeat(GROUP, "slow")
    client.persist(key)
    running.kill()
    before = looks(client)
    until(lambda: owner_and_idle_ms(client)[1] > SLOW_MS)
    until(lambda: looks(client) > before + 10)
    # nobody can know yet that it is dead
    assert owner_and_idle_ms(client)[0] == "slow"
    client.pexpire(key, HEARTBEAT_MS or keys.HEARTBEAT_TTL_S * 1_000)
    until(lambda: client.llen(BEGUN) == 2)
    assert not client.exists(key)
    client.set(GO, 1)
    until(lambda: client.hlen(EFFECTS) == 1 and not client.xpending(STREAM, GROUP)["pending"])
    note(claim_idle_ms=CLAIM_IDLE_MS, runs=client.llen(BEGUN))
    assert client.lrange(BEGUN, 0, -1) == [f"slow {entry_id}", f"peer {entry_id}"]
    assert client.hgetall(EFFECTS) == {entry_id: "1"}


def test_one_frozen_past_its_heartbeat_comes_back_harmless(client, slow, note):
    running, entry_id = in_its_handler(client, slow)
    running.signal(signal.SIGSTOP)
    client.delete(keys.heartbeat(GROUP, "slow"))
    slow("peer")
    until(lambda: client.llen(BEGUN) == 2)
    client.set(GO, 1)
    until(lambda: client.hlen(EFFECTS) == 1)
    running.signal(signal.SIGCONT)
    second = client.xadd(STREAM, {"n": 2})
    until(lambda: client.hget(EFFECTS, second) == "1")
    until(lambda: client.exists(keys.heartbeat(GROUP, "slow")))
    assert running.stop() == 0
    note(runs=client.llen(BEGUN))
    assert client.hgetall(EFFECTS) == {entry_id: "1", second: "1"}
