"""Catching up with a backlog: exactly once, alone, and whatever happens in between."""

import time

import pytest
import redis

from consumers.analytics.catching_up import LARGEST, SHORTEST, CatchUp
from consumers.analytics.settings import Settings
from consumers.decision_intelligence import place
from consumers.loop.failing import GroupMovedError, NameTakenError, SpoiledKeyError
from fault_injection.workloads.apply_result import events, feed
from streams import groups, keys, scripting
from tests.consumers.proxy import Proxy
from tests.consumers.running import GROUP, STREAM, pending, processed, until_counted
from tests.contexts import context
from tests.independent_fold import differences
from tests.waiting import until

SIZE = SHORTEST


def never():
    return False


@pytest.fixture
def fed(client):
    made = feed(client, STREAM, events(4, 10 * SIZE + 50, int(time.time() * 1000)))
    client.xgroup_create(STREAM, GROUP, "0")
    return made


@pytest.fixture
def made(server):
    return context(Settings, place, server.port)


@pytest.fixture
def catch_up(made):
    return CatchUp(made)


class After:
    """Says enough after so many batches, or does something else then."""

    def __init__(self, batches, then=lambda: True):
        self.left, self.then = batches, then

    def __call__(self):
        self.left -= 1
        return self.left < 0 and self.then()


def stands(client):
    return groups.position(client, STREAM, GROUP)


def test_whole_batches_are_counted_and_the_rest_is_left_to_the_ordinary_way(client, fed, catch_up):
    assert catch_up.run(SIZE, never) == 10 * SIZE
    assert differences(client, fed[: 10 * SIZE]) == []
    assert processed(client) == 10 * SIZE
    assert stands(client).last_delivered_id == fed[10 * SIZE - 1][0]
    assert pending(client) == 0
    assert catch_up.run(SIZE, never) == 0


def test_it_ends_when_it_is_enough_and_goes_on_where_it_ended(client, fed, catch_up):
    assert catch_up.run(SIZE, After(3)) == 3 * SIZE
    assert differences(client, fed[: 3 * SIZE]) == []
    assert catch_up.run(SIZE, never) == 7 * SIZE
    assert differences(client, fed[: 10 * SIZE]) == []


def test_it_begins_where_the_group_stands(client, fed, catch_up):
    client.xreadgroup(GROUP, "one", {STREAM: ">"}, count=30)
    assert catch_up.run(SIZE, never) == 10 * SIZE
    assert differences(client, fed[30 : 10 * SIZE + 30]) == []
    assert pending(client) == 30


def test_beside_another_consumer_it_does_nothing(client, fed, catch_up):
    client.xgroup_createconsumer(STREAM, GROUP, "one")
    client.xgroup_createconsumer(STREAM, GROUP, "two")
    assert catch_up.run(SIZE, never) == 0
    assert stands(client).last_delivered_id == "0-0"


def test_before_own_pending_is_settled_it_does_nothing(server, client, fed):
    catch_up = CatchUp(context(Settings, place, server.port, BATCH_SIZE=SIZE))
    client.xreadgroup(GROUP, "one", {STREAM: ">"}, count=SIZE + 1)
    assert catch_up.run(SIZE, never) == 0
    client.xack(STREAM, GROUP, fed[0][0])
    assert catch_up.run(SIZE, never) == 9 * SIZE


def test_what_is_read_ahead_may_be_pending_also_where_it_is_more_than_is_seen_at_once(
    client, catch_up
):
    fed = feed(client, STREAM, events(4, 3 * LARGEST, int(time.time() * 1000)))
    client.xgroup_create(STREAM, GROUP, "0")
    client.xreadgroup(GROUP, "one", {STREAM: ">"}, count=LARGEST + 1)
    assert catch_up.run(LARGEST + 1, never) == LARGEST
    assert differences(client, fed[LARGEST + 1 : 2 * LARGEST + 1]) == []


def test_in_small_batches_it_does_nothing(client, fed, catch_up):
    assert catch_up.run(SHORTEST - 1, never) == 0


def test_without_a_group_it_does_nothing(client, catch_up):
    assert catch_up.run(SIZE, never) == 0


def test_one_that_was_overtaken_counts_nothing_of_what_the_other_counted(
    server, client, fed, catch_up
):
    other = CatchUp(context(Settings, place, server.port, CONSUMER_NAME="other"))

    def overtake():
        assert other.run(SIZE, After(2)) == 2 * SIZE
        return False

    assert catch_up.run(SIZE, After(3, overtake)) == 3 * SIZE
    assert processed(client) == 5 * SIZE
    assert differences(client, fed[: 5 * SIZE]) == []


def test_entries_that_another_took_meanwhile_are_the_other_s(client, fed, catch_up):
    def take():
        client.xreadgroup(GROUP, "other", {STREAM: ">"}, count=1)
        return False

    assert catch_up.run(SIZE, After(3, take)) == 3 * SIZE
    assert processed(client) == 3 * SIZE
    assert pending(client) == 1


def test_a_group_that_is_destroyed_meanwhile_stops_it(client, fed, catch_up):
    with pytest.raises(GroupMovedError):
        catch_up.run(SIZE, After(3, lambda: not client.xgroup_destroy(STREAM, GROUP)))
    assert differences(client, fed[: 3 * SIZE]) == []


def test_a_group_that_is_set_back_meanwhile_counts_nothing_again(client, fed, catch_up):
    def set_back():
        client.xgroup_setid(STREAM, GROUP, fed[SIZE - 1][0])
        return False

    assert catch_up.run(SIZE, After(3, set_back)) == 3 * SIZE
    assert catch_up.run(SIZE, never) == 0
    assert differences(client, fed[: 3 * SIZE]) == []


def test_entries_deleted_before_they_are_seen_are_passed_over(client, fed, catch_up):
    gone = {fed[n][0] for n in (5, 150, 151)}
    client.xdel(STREAM, *gone)
    assert catch_up.run(SIZE, never) == 10 * SIZE
    assert differences(client, [e for e in fed[: 10 * SIZE + 3] if e[0] not in gone]) == []


def test_a_spoiled_bucket_stops_it_with_nothing_done(client, fed, catch_up):
    client.hset(keys.STATUS, "processed_total", "many")
    with pytest.raises(SpoiledKeyError):
        catch_up.run(SIZE, never)
    assert stands(client).last_delivered_id == "0-0"


def test_a_stream_that_is_none_any_more_is_an_error(client, fed, catch_up):
    def spoil():
        client.delete(STREAM)
        return not client.set(STREAM, "x")

    with pytest.raises(redis.ResponseError):
        catch_up.run(SIZE, After(3, spoil))


def test_a_script_that_the_server_does_not_know_any_more_is_sent_again(client, fed, catch_up):
    assert catch_up.run(SIZE, After(3, client.script_flush)) == 3 * SIZE
    assert catch_up.run(SIZE, never) == 7 * SIZE
    assert differences(client, fed[: 10 * SIZE]) == []


def test_after_an_error_the_link_carries_no_old_answer(server, client, fed):
    def taken():
        raise NameTakenError("taken")

    made = context(Settings, place, server.port)
    object.__setattr__(made, "progress", taken)
    with pytest.raises(NameTakenError):
        CatchUp(made).run(SIZE, never)
    assert made.client.ping() is True
    assert CatchUp(context(Settings, place, server.port)).run(SIZE, never) == 9 * SIZE
    assert differences(client, fed[: 10 * SIZE]) == []


@pytest.mark.parametrize("mark", [b"XRANGE", scripting.load("count").sha1.encode()])
def test_a_reply_that_is_lost_while_catching_up_doubles_nothing(own_redis, consumer, mark):
    client = own_redis.client()
    fed = feed(client, STREAM, events(5, 30_000, int(time.time() * 1000)))
    proxy = Proxy(own_redis.port, "count")
    proxy._mark = mark
    try:
        running = consumer(proxy.port).ready()
        for part in (5_000, 15_000, 25_000):
            until(lambda part=part: processed(client) > part)
            proxy.armed = 1
        until_counted(client, len(fed))
        assert running.stop() == 0
        assert differences(client, fed) == []
    finally:
        proxy.close()


def test_a_backlog_is_caught_up_without_being_taken(server, client, consumer):
    fed = feed(client, STREAM, events(6, 20_000, int(time.time() * 1000)))
    client.xgroup_create(STREAM, GROUP, "0")
    client.config_resetstat()
    running = consumer(server.port).ready()
    until_counted(client, len(fed))
    assert running.stop() == 0
    assert differences(client, fed) == []
    stats = client.info("commandstats")
    assert stats["cmdstat_xrange"]["calls"] > stats["cmdstat_xreadgroup"]["calls"]
