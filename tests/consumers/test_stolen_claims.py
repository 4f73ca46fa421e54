"""Entries change hands: from the dead, and from the living who only looked dead."""

import signal
import time

import pytest

from consumers.analytics.counting import Counter
from consumers.analytics.settings import Settings
from consumers.decision_intelligence import place
from consumers.loop.reading import Reader, join
from consumers.loop.reclaiming import Reclaimer
from fault_injection.workloads.apply_result import events, feed
from streams import keys
from streams.apply_result import normalise
from streams.folding import fold
from tests.consumers.running import GROUP, STREAM, pending, processed, until_counted
from tests.contexts import context
from tests.independent_fold import differences
from tests.waiting import until


def traffic(client, count, seed=3):
    return feed(client, STREAM, events(seed, count, int(time.time() * 1000)))


def until_some(client, count):
    until(lambda: processed(client) > count)


class Party:
    """A consumer's parts, taken one by one, so that a test decides what happens between them."""

    def __init__(self, server, name, batch=500):
        at = context(Settings, place, server.port, CONSUMER_NAME=name, BATCH_SIZE=batch)
        self.client, self.place = at.client, at.place
        join(self.client, self.place)
        self.reader = Reader(self.client, self.place)
        self.counter = Counter(at)
        self.reclaimer = Reclaimer(at)
        self.reclaimer._idle_ms = self.reclaimer._pause_s = 0

    def take(self, size):
        """Read `size` entries past an empty own pending list."""
        return until(lambda: self.reader.next(size, size, 1))


def test_an_old_owner_that_comes_back_after_a_claim_counts_nothing_again(server, client):
    fed = traffic(client, 1_000)
    old, new = Party(server, "old"), Party(server, "new")
    batch = old.take(1_000)
    while new.reclaimer.run():
        pass
    counted = 0
    while theirs := new.reader.next(500, 500, 1):
        counted += new.counter.count(theirs)
    assert counted == 1_000
    assert old.counter.count(batch) == 0
    assert differences(client, fed) == []
    assert processed(client) == 1_000


def test_a_batch_of_which_some_were_claimed_is_counted_once_by_either(server, client):
    fed = traffic(client, 300)
    old, new = Party(server, "old"), Party(server, "new")
    batch = old.take(300)
    some = [entry_id for entry_id, _ in batch[40:90]]
    client.xclaim(STREAM, GROUP, "new", 0, some)
    claimed = until(lambda: new.reader.next(20, 20, 1))
    assert new.counter.count(claimed) == 20
    # acknowledging is what counts, so the old owner settles the 30 that the new one holds
    assert old.counter.count(batch) == 280
    assert new.counter.count([(i, f) for i, f in batch if i in some]) == 0
    assert differences(client, fed) == []


def test_counting_in_a_multi_without_the_gate_doubles_and_the_oracle_says_so(server, client):
    fed = traffic(client, 200)
    old, new = Party(server, "old"), Party(server, "new")
    batch = old.take(200)
    new.reclaimer.run()
    assert new.counter.count(until(lambda: new.reader.next(500, 500, 1))) == 200
    pipeline = client.pipeline(transaction=True)
    results = [normalise(i, dict(zip(f[::2], f[1::2], strict=True))) for i, f in batch]
    for minute, fields in fold(results).buckets.items():
        for name, count in fields.items():
            pipeline.hincrby(keys.bucket(minute), name, count)
    pipeline.xack(STREAM, GROUP, *[entry_id for entry_id, _ in batch])
    pipeline.execute()
    assert len(differences(client, fed)) > 0


def test_the_living_keep_their_entries_however_long_they_lie(server, client):
    traffic(client, 100)
    slow, other = Party(server, "slow"), Party(server, "other")
    slow.take(100)
    client.set(keys.heartbeat(GROUP, "slow"), "alive")
    assert other.reclaimer.run() == 0
    assert client.xpending(STREAM, GROUP)["consumers"] == [{"name": "slow", "pending": 100}]


def test_the_dead_lose_their_entries_on_an_idle_stream_too(server, client, consumer):
    fed = traffic(client, 100)
    Party(server, "dead").take(100)
    consumer(server.port).ready()
    until(lambda: processed(client) == 100)
    assert differences(client, fed) == []
    assert pending(client) == 0


def test_entries_trimmed_while_pending_are_acknowledged_and_reported_lost(server, client, consumer):
    fed = traffic(client, 100)
    client.xgroup_create(STREAM, GROUP, "0")
    client.xreadgroup(GROUP, "host-1", {STREAM: ">"}, count=60)
    client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=40)
    gone = [fed[5][0], fed[7][0], fed[70][0]]
    client.xdel(STREAM, *gone)
    running = consumer(server.port).ready()
    until(lambda: processed(client) == 97 and pending(client) == 0)
    until(lambda: client.hget(keys.STATUS, "lost_total") == "3")
    assert differences(client, [each for each in fed if each[0] not in gone]) == []
    running.stop()
    lost = [i for line in running.lines() if line["event"].startswith("LOST") for i in line["ids"]]
    assert sorted(lost) == sorted(gone)


def test_a_consumer_frozen_until_a_peer_took_its_work_comes_back_harmless(own_redis, consumer):
    client = own_redis.client()
    frozen = consumer(own_redis.port, CONSUMER_NAME="a").ready()
    fed = []
    for round_ in range(5):
        fed += traffic(client, 3_000, seed=round_)
        until_some(client, len(fed) - 2_900)
        frozen.signal(signal.SIGSTOP)
        # its heartbeat runs out, here at once
        client.delete(keys.heartbeat(GROUP, "a"))
        peer = consumer(own_redis.port, CONSUMER_NAME="b").ready()
        until_counted(client, len(fed))
        frozen.signal(signal.SIGCONT)
        assert peer.stop() == 0
    until(lambda: client.exists(keys.heartbeat(GROUP, "a")))
    assert frozen.stop() == 0
    assert differences(client, fed) == []
    assert processed(client) == len(fed)


@pytest.mark.parametrize("size", [1, 5_000])
def test_the_smallest_and_the_largest_batch_are_counted(server, client, size):
    fed = traffic(client, size)
    party = Party(server, "one", batch=size)
    assert party.counter.count(party.take(size)) == size
    assert differences(client, fed) == []
