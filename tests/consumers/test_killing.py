"""The oracle: kill -9 at random moments must leave the totals that the events add up to."""

import random
import threading
import time

from fault_injection.workloads.apply_result import events, feed
from streams import groups
from tests.consumers.running import GROUP, STREAM, pending, processed, status
from tests.independent_fold import differences
from tests.waiting import until

KILLS = 20
#: Events by server.
COUNT = {"redis": 100_000, "embedded": 20_000, "redis8": 20_000}


def killed_while_counting(server, consumer, count, seed, **settings):
    """Return the fed entries, after KILLS kills at seeded moments and a quiet end."""
    client = server.client()
    fed = []
    made = events(seed, count, int(time.time() * 1000))
    feeding = threading.Thread(target=lambda: fed.extend(feed(server.client(), STREAM, made)))
    feeding.start()
    chance = random.Random(seed)
    # each kill waits for so much progress, so that all of them fall among the events
    moments = sorted(chance.sample(range(count // 100, count - count // 100), KILLS))
    running = consumer(server.port, **settings)
    for moment in moments:
        until(lambda moment=moment: processed(client) >= moment, what=f"event {moment}")
        running.kill()
        running = consumer(server.port, **settings)
    feeding.join()
    until(lambda: groups.position(client, STREAM, GROUP) and settled(client), what="the end")
    return running, fed


def settled(client):
    place = groups.position(client, STREAM, GROUP)
    newest = client.xinfo_stream(STREAM)["last-generated-id"]
    return place.last_delivered_id == newest and place.pending == 0


def test_twenty_kills_leave_the_totals_that_the_events_add_up_to(server, consumer):
    count = COUNT[server.kind]
    running, fed = killed_while_counting(server, consumer, count, seed=7)
    client = server.client()
    assert differences(client, fed) == []
    assert len(fed) == processed(client) == count
    assert pending(client) == 0
    assert groups.lag(client, STREAM, GROUP) == groups.Lag(0, exact=True)
    assert running.stop() == 0
    assert status(client, "state") == "stopped"
    assert client.xinfo_consumers(STREAM, GROUP)[0]["name"] == "host-1"
    assert len(client.xinfo_consumers(STREAM, GROUP)) == 1


def test_the_oracle_refutes_a_consumer_that_counts_and_acknowledges_in_two_calls(server, consumer):
    module = "tests.consumers.broken_two_calls"
    _, fed = killed_while_counting(server, consumer, 10_000, seed=7, module=module)
    assert differences(server.client(), fed) != []
