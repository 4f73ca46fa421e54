"""The real process, killed at random, frozen, losing replies, beside a peer: accounts stay even."""

import random
import signal
import threading
import time

import pytest

from streams import groups, keys
from tests.consumers.proxy import Proxy
from tests.oracles.scale import sized
from tests.router.ledger import account
from tests.router.routers import GROUP, MODULE, STATUS, STREAM, add, decided, intents
from tests.router.traffic import decisions
from tests.waiting import until

BROKEN = "tests.router.broken_two_calls"


def settled(client):
    at = groups.position(client, STREAM, GROUP)
    newest = client.xinfo_stream(STREAM)["last-generated-id"]
    return at is not None and at.last_delivered_id == newest and at.pending == 0


def feed(client, seed, count):
    """Feed decisions in pipelines; return (id, identity)."""
    produced, made = [], list(decisions(seed, count, int(time.time() * 1000)))
    for first in range(0, count, 200):
        batch = made[first : first + 200]
        pipeline = client.pipeline(transaction=False)
        for each in batch:
            pipeline.xadd(STREAM, each.fields)
        produced += zip(pipeline.execute(), [each.identity for each in batch], strict=True)
    return produced


def handled(client):
    """Return how many entries were settled, as the status tells it."""
    totals = client.hmget(STATUS, "processed_total", "dead_lettered_total")
    return sum(int(total or 0) for total in totals)


def killed_while_routing(server, consumer, count, kills, seed, module=MODULE, progress=handled):
    """Return the account after `kills` kills at seeded moments and a quiet end."""
    client, produced = server.client(), []
    feeding = threading.Thread(target=lambda: produced.extend(feed(server.client(), seed, count)))
    feeding.start()
    chance = random.Random(seed)
    # each kill waits for so much progress, so that all of them fall among the decisions
    moments = sorted(chance.sample(range(count // 100, 3 * count // 4), kills))
    running = consumer(server.port, module=module)
    for moment in moments:
        until(lambda moment=moment: progress(client) >= moment, what=f"decision {moment}")
        running.kill()
        running = consumer(server.port, module=module)
    feeding.join()
    until(lambda: settled(client), what="the end")
    return account(client, produced)


@pytest.mark.timeout(sized(300, 3_600))
def test_kills_at_random_moments_leave_the_accounts_even(server, consumer, note):
    count, kills = sized(4_000, 200_000), sized(5, 500)
    found = killed_while_routing(server, consumer, count, kills, seed=7)
    note(seed=7, entries=count, kills=kills, intents=found.intents, dead_letters=found.dead)
    assert found.wrong == {}
    assert found.intents > 0.8 * count
    assert handled(server.client()) == count


def test_the_same_kills_refute_a_router_of_two_calls(server, consumer):
    def published(client):
        return client.xlen("quantum:stream:trade.intent")

    # a kill between two calls is likely, not certain: several rounds, one has to show it
    for seed in range(5):
        server.client().flushall()
        found = killed_while_routing(server, consumer, 1_000, 10, seed, BROKEN, published)
        if found.wrong:
            break
    assert set(found.wrong) & {"lost", "reserved, not published", "published, not reserved"}


@pytest.mark.parametrize("mark", ["route", "give_up", "read"])
def test_lost_replies_neither_lose_nor_double_a_decision(server, consumer, mark):
    client, proxy = server.client(), Proxy(server.port, mark)
    produced = feed(client, 3, 1_500)
    proxy.armed = 3
    running = consumer(proxy.port, module=MODULE, BATCH_SIZE=100)
    until(lambda: client.exists(STREAM) and settled(client), what="the end")
    assert proxy.armed == 0
    assert account(client, produced).wrong == {}
    assert running.stop() == 0
    proxy.close()


def test_two_routers_and_a_kill_of_one_leave_the_accounts_even(server, consumer):
    client = server.client()
    produced = feed(client, 4, 4_000)
    one = consumer(server.port, module=MODULE, CONSUMER_NAME="one", BATCH_SIZE=50)
    two = consumer(server.port, module=MODULE, CONSUMER_NAME="two", BATCH_SIZE=50)
    until(lambda: handled(client) > 500)
    one.kill()
    client.delete(keys.heartbeat(GROUP, "one"))  # as if ten seconds had passed
    until(lambda: settled(client), what="the end")
    assert account(client, produced).wrong == {}
    assert two.stop() == 0


def test_a_router_frozen_until_a_peer_took_its_work_comes_back_harmless(own_redis, consumer):
    client = own_redis.client()
    frozen = consumer(own_redis.port, module=MODULE, CONSUMER_NAME="one", BATCH_SIZE=50).ready()
    produced = []
    for seed in range(3):
        before = len(produced)
        produced += feed(client, seed, 2_000)
        until(lambda before=before: handled(client) > before + 100)
        frozen.signal(signal.SIGSTOP)
        client.delete(keys.heartbeat(GROUP, "one"))
        peer = consumer(own_redis.port, module=MODULE, CONSUMER_NAME="two").ready()
        until(lambda: settled(client), what="the peer's end")
        frozen.signal(signal.SIGCONT)
        assert peer.stop() == 0
    until(lambda: client.exists(keys.heartbeat(GROUP, "one")))
    assert frozen.stop() == 0
    assert account(client, produced).wrong == {}


def test_the_log_and_the_status_of_a_real_router(server, client, consumer):
    first, again = add(client, decided(trace_id="t-1"), decided(trace_id="t-1"))
    running = consumer(server.port, module=MODULE, CONSUMER_NAME="one").ready()
    until(lambda: settled(client))
    until(lambda: any(told.startswith("STATUS=running") for told in running.hear()))
    assert running.stop() == 0
    [skip] = [line for line in running.lines() if line["event"] == "DUPLICATE_SKIP"]
    [intent_id] = intents(client)
    assert (skip["id"], skip["intent_id"], skip["service"]) == (again, intent_id, "strategy_router")
    assert first < again
    assert client.hget(f"{STATUS}:one", "state") == "stopped"
    assert client.hget(f"{STATUS}:one", "rate_limit") == "none"


@pytest.mark.parametrize(
    ("point", "intents_then"), [("router.before_route", 0), ("router.after_route", 1)]
)
def test_a_kill_at_each_failpoint_publishes_once(server, client, consumer, point, intents_then):
    add(client, decided(trace_id="t-1"))
    broken = consumer(server.port, module=MODULE, QUANTUM_FAILPOINTS=f"{point}=1*kill")
    assert broken.ended() == -signal.SIGKILL
    assert client.xlen("quantum:stream:trade.intent") == intents_then
    consumer(server.port, module=MODULE).ready()
    until(lambda: settled(client))
    assert len(intents(client)) == 1


def test_a_bad_setting_ends_the_start_with_one_line(consumer, server):
    running = consumer(server.port, module=MODULE, RATE_LIMIT_PER_SYMBOL="many")
    assert running.ended() == 3
    text = running.log.read_text()
    assert text.startswith("strategy router: RATE_LIMIT_PER_SYMBOL must be a whole number")
    assert text.count("\n") == 1
