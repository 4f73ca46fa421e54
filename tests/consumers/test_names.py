"""One living process for each name; the dead give theirs up fast."""

import json
import signal

from streams import keys
from tests.consumers.running import GROUP
from tests.waiting import until

KEY = keys.heartbeat(GROUP, "host-1")


def test_a_second_living_process_of_the_same_name_is_refused(server, client, consumer):
    first = consumer(server.port).ready()
    second = consumer(server.port)
    assert second.ended() == 3
    assert "host-1 is taken by a living process" in second.log.read_text().splitlines()[-1]
    assert "READY=1" not in second.hear()
    assert json.loads(client.get(KEY))["pid"] == first.process.pid
    assert first.process.poll() is None


def test_after_a_kill_the_same_host_takes_its_name_back_before_the_heartbeat_ends(
    server, client, consumer
):
    consumer(server.port).ready().kill()
    left_ms = client.pttl(KEY)
    assert left_ms > 0
    # only a key that never ends tells a fast take-over from a patient one
    client.persist(KEY)
    again = consumer(server.port).ready()
    assert json.loads(client.get(KEY))["pid"] == again.process.pid


def test_a_heartbeat_of_another_place_is_waited_out(server, client, consumer):
    client.set(KEY, json.dumps({"host": "far", "place": "elsewhere"}), px=1_500)
    running = consumer(server.port).ready()
    assert json.loads(client.get(KEY))["pid"] == running.process.pid


def test_a_heartbeat_of_another_place_that_is_renewed_refuses_us(server, client, consumer):
    far = json.dumps({"host": "far", "place": "elsewhere"})
    client.set(KEY, far, px=5_000)
    running = consumer(server.port)

    def refused():
        client.set(KEY, far, px=10_000)
        return running.process.poll() is not None

    until(refused)
    assert running.ended() == 3
    assert client.get(KEY) == far


def test_a_heartbeat_that_is_no_heartbeat_is_waited_out(server, client, consumer):
    client.set(KEY, "not json", px=500)
    consumer(server.port).ready()


def test_a_process_whose_name_was_taken_over_ends(server, client, consumer):
    running = consumer(server.port).ready()
    running.signal(signal.SIGSTOP)
    client.set(KEY, json.dumps({"host": "far", "place": "elsewhere"}))
    running.signal(signal.SIGCONT)
    assert running.ended() == 3
    assert "taken over" in running.log.read_text()


def test_a_stop_frees_the_name_at_once(server, client, consumer):
    running = consumer(server.port).ready()
    assert client.exists(KEY)
    assert 0 < client.ttl(KEY) <= 10
    assert running.stop() == 0
    assert not client.exists(KEY)
