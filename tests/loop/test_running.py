"""The loop as a process: once, measured, told, tried again, and dead ones' entries taken over."""

import re
import signal
import urllib.request

import pytest

from tests.loop.tally import GROUP, STATUS, STREAM, TALLY
from tests.servers import free_port
from tests.waiting import until

TALLYING = "tests.loop.tally"


def add(client, *words):
    return [client.xadd(STREAM, {"word": word}) for word in words]


def test_once_settles_what_waits_and_ends(server, consumer):
    client = server.client()
    add(client, *["a"] * 25, "poison")
    once = consumer(server.port, module=TALLYING, words=["--once"], BATCH_SIZE=10)
    assert once.ended() == 0
    assert client.hgetall(TALLY) == {"a": "25"}
    assert client.xpending(STREAM, GROUP)["pending"] == 0
    assert client.hget(STATUS, "state") == "stopped"


def test_once_ends_with_1_where_something_must_be_tried_again(server, consumer):
    client = server.client()
    client.set("quantum:test:later", 1)
    add(client, "later")
    assert consumer(server.port, module=TALLYING, words=["--once"]).ended() == 1
    assert client.xpending(STREAM, GROUP)["pending"] == 1


def test_what_failed_is_tried_again_and_the_status_says_so_meanwhile(server, consumer):
    client = server.client()
    client.set("quantum:test:later", 1)
    running = consumer(server.port, module=TALLYING, MAX_DELIVERIES=1000).ready()
    add(client, "later", "a")
    until(lambda: client.hget(STATUS, "state") == "degraded")
    until(lambda: any(told.startswith("STATUS=degraded") for told in running.hear()))
    assert "not yet" in client.hget(STATUS, "cause")
    client.delete("quantum:test:later")
    until(lambda: client.hgetall(TALLY) == {"later": "1", "a": "1"})
    until(lambda: client.hget(STATUS, "state") == "running")


def test_an_entry_that_kills_its_consumer_is_given_up_in_the_end(server, consumer):
    client = server.client()
    add(client, "a", "die", "b")
    for _ in range(3 + 1):
        running = consumer(server.port, module=TALLYING, MAX_DELIVERIES=3)
        until(lambda one=running: one.process.poll() is not None or client.hget(TALLY, "b"))
    until(lambda: client.hgetall(TALLY) == {"a": "1", "b": "1"})
    ((_, dead),) = client.xrange(f"{STREAM}:dlq")
    assert "3 times" in dead["reason"]


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return dict(re.findall(r"^(quantum_\w+)\{[^}]*\} ([0-9.e+-]+)$", text, re.MULTILINE))


def test_metrics_are_served_on_loopback(server, consumer):
    client, port = server.client(), free_port()
    consumer(server.port, module=TALLYING, METRICS_PORT=port).ready()
    add(client, "a", "b", "poison")
    until(lambda: metrics(port).get("quantum_settled_total") == "2.0")
    until(lambda: metrics(port).get("quantum_dead_lettered_total") == "1.0")
    assert metrics(port)["quantum_entries_total"] == "3.0"
    until(lambda: metrics(port).get("quantum_healthy") == "1.0")


def test_a_metrics_port_that_is_taken_stops_the_start(server, consumer):
    port = free_port()
    consumer(server.port, module=TALLYING, METRICS_PORT=port).ready()
    second = consumer(server.port, module=TALLYING, METRICS_PORT=port, CONSUMER_NAME="host-2")
    assert second.ended() == 3
    assert f"METRICS_PORT {port} cannot be served" in second.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_finishes_and_leaves_its_name(server, consumer, number):
    client = server.client()
    running = consumer(server.port, module=TALLYING).ready()
    add(client, *["a"] * 200)
    until(lambda: client.hget(TALLY, "a"))
    running.signal(number)
    assert running.ended() == 0
    assert "STOPPING=1" in running.hear()
    assert not client.exists(f"quantum:hb:{GROUP}:host-1")
    consumer(server.port, module=TALLYING, CONSUMER_NAME="host-2").ready()
    until(lambda: client.hget(TALLY, "a") == "200")
