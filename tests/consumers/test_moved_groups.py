"""A group that is gone or was set back: nothing is counted twice, and the status says so."""

import time

import pytest

from fault_injection.workloads.apply_result import events, feed
from streams import keys
from tests.consumers.running import GROUP, STREAM, processed, status
from tests.independent_fold import differences
from tests.waiting import until


def counted(server, client, consumer, count=2_000, **settings):
    fed = feed(client, STREAM, events(5, count, int(time.time() * 1000)))
    running = consumer(server.port, **settings).ready()
    until(lambda: processed(client) == count)
    return running, fed


def moved(client):
    return status(client, "state") == "GROUP_MOVED" and status(
        client, keys.group_moved(STREAM, GROUP)
    )


@pytest.mark.parametrize("back_to", [0, 1_000, 1_998])
def test_a_group_set_back_is_noticed_and_counts_nothing_twice(server, client, consumer, back_to):
    running, fed = counted(server, client, consumer)
    client.xgroup_setid(STREAM, GROUP, fed[back_to][0])
    how = until(lambda: moved(client))
    assert fed[back_to][0] in how
    assert fed[-1][0] in how
    fed_on = feed(client, STREAM, events(6, 50, int(time.time() * 1000)))
    assert running.stop() == 0
    assert processed(client) == 2_000
    assert differences(client, fed) == []
    assert fed_on
    assert any("GROUP_MOVED" in told for told in running.hear())
    # what it was given again is pending under its own name, and a restart does not count it
    again = consumer(server.port)
    until(lambda: any("GROUP_MOVED" in told for told in again.hear()))
    assert again.stop() == 0
    assert processed(client) == 2_000
    assert differences(client, fed) == []


def test_a_group_that_is_destroyed_is_noticed_and_not_made_again(server, client, consumer):
    running, fed = counted(server, client, consumer)
    client.xgroup_destroy(STREAM, GROUP)
    assert until(lambda: moved(client)).startswith("gone")
    assert running.stop() == 0
    again = consumer(server.port)
    until(lambda: any("GROUP_MOVED" in told for told in again.hear()))
    assert "READY=1" not in again.hear()
    assert client.xinfo_groups(STREAM) == []
    assert again.stop() == 0
    assert differences(client, fed) == []


def test_a_group_made_anew_at_the_beginning_counts_nothing_twice(server, client, consumer):
    running, fed = counted(server, client, consumer)
    assert running.stop() == 0
    client.xgroup_destroy(STREAM, GROUP)
    client.xgroup_create(STREAM, GROUP, "0")
    consumer(server.port)
    until(lambda: moved(client))
    assert differences(client, fed) == []


def test_a_group_put_right_and_unmarked_is_read_again_without_a_restart(server, client, consumer):
    _, fed = counted(server, client, consumer)
    client.xgroup_destroy(STREAM, GROUP)
    until(lambda: moved(client))
    client.xgroup_create(STREAM, GROUP, fed[-1][0])
    client.hdel(keys.STATUS, keys.group_moved(STREAM, GROUP))
    fed += feed(client, STREAM, events(6, 500, int(time.time() * 1000)))
    until(lambda: processed(client) == 2_500)
    until(lambda: status(client, "state") == "running")
    assert differences(client, fed) == []


def test_a_group_set_forward_is_no_trouble(server, client, consumer):
    running, fed = counted(server, client, consumer)
    client.xgroup_setid(STREAM, GROUP, "$")
    fed += feed(client, STREAM, events(6, 100, int(time.time() * 1000)))
    until(lambda: processed(client) == 2_100)
    assert running.stop() == 0
    assert differences(client, fed) == []
