"""Dead consumers are removed once everything of theirs is taken over; the living never are."""

import signal

import pytest
import redis

from streams import keys, scripting
from tests.consumers.running import GROUP, STATUS, STREAM, processed
from tests.independent_fold import buckets_in, differences
from tests.oracles.checking import conservation
from tests.oracles.gathering import entries, history
from tests.oracles.scale import sized
from tests.oracles.traffic import until_settled
from tests.waiting import until


@pytest.fixture
def ids(client):
    """Ten entries of which `dead` has six pending and `alive` four."""
    made = [client.xadd(STREAM, {"symbol": f"E{n}"}) for n in range(10)]
    client.xgroup_create(STREAM, GROUP, "0")
    client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=6)
    client.xreadgroup(GROUP, "alive", {STREAM: ">"})
    client.set(keys.heartbeat(GROUP, "alive"), "beats")
    return made


def bury(client, idle_ms=0, entries=500, consumers=100, me="me"):
    args = [GROUP, me, idle_ms, entries, consumers, keys.heartbeat(GROUP, "")]
    return scripting.run(client, "reclaim", [STREAM, STATUS], args)


def names(client):
    return {each["name"]: each["pending"] for each in client.xinfo_consumers(STREAM, GROUP)}


def test_the_dead_are_removed_with_everything_taken_over(client, ids):
    assert bury(client) == [["dead"], 6, [], 0]
    assert names(client) == {"alive": 4, "me": 6}
    assert bury(client) == [[], 0, [], 0]


def test_the_living_stay_with_what_they_have(client, ids):
    client.set(keys.heartbeat(GROUP, "dead"), "beats again")
    assert bury(client) == [[], 0, [], 0]
    assert names(client) == {"alive": 4, "dead": 6}


def test_nobody_removes_itself(client, ids):
    assert bury(client, me="dead") == [[], 0, [], 0]


def test_who_has_something_left_that_is_not_idle_for_long_enough_stays(client, ids):
    assert bury(client, idle_ms=3_600_000) == [[], 0, [], 0]
    assert names(client) == {"alive": 4, "dead": 6}


def test_who_has_more_than_one_run_may_take_stays_until_the_next(client, ids):
    assert bury(client, entries=4) == [[], 4, [], 0]
    assert names(client) == {"alive": 4, "dead": 2, "me": 4}
    assert bury(client, entries=4) == [["dead"], 2, [], 0]


def test_one_run_removes_so_many_and_no_more(client, ids):
    for n in range(20):
        client.xgroup_createconsumer(STREAM, GROUP, f"ghost-{n}")
    assert len(bury(client, consumers=15)[0]) == 15
    assert len(bury(client, consumers=15)[0]) == 6


def test_what_was_trimmed_away_is_lost_and_named(client, ids):
    client.xdel(STREAM, ids[2])
    assert bury(client) == [["dead"], 5, [ids[2]], 0]
    assert client.hget(STATUS, "lost_total") == "1"


def test_taking_over_is_no_delivery(client, ids):
    bury(client)
    held = client.xpending_range(STREAM, GROUP, "-", "+", 10, "me")
    assert {each["times_delivered"] for each in held} == {1}


def test_without_a_group_there_is_nobody_to_remove(client):
    assert bury(client) == [[], 0, [], 0]


def test_a_spoiled_status_is_named_before_anything_is_done(client, ids):
    client.set(STATUS, "no hash")
    with pytest.raises(redis.ResponseError, match="is no hash"):
        bury(client)
    assert names(client) == {"alive": 4, "dead": 6}


def counted_by_hand(client, name):
    """Give what `name` has pending its effect, as one who counts would."""
    for each in client.xpending_range(STREAM, GROUP, "-", "+", 100, name):
        ((entry_id, fields),) = client.xrange(STREAM, each["message_id"], each["message_id"])
        if client.xack(STREAM, GROUP, entry_id):
            client.hincrby(keys.bucket("202611210000"), f"symbol_reason:{fields['symbol']}:none", 1)


def test_who_removes_a_consumer_with_entries_pending_is_refuted(client, ids):
    """The broken way: the group's numbers are clean afterwards, the identities are not."""
    assert client.xgroup_delconsumer(STREAM, GROUP, "dead") == 6
    counted_by_hand(client, "alive")
    assert client.xpending(STREAM, GROUP)["pending"] == 0
    verdict = conservation(history(client, ids))
    assert verdict.word == "refuted"
    assert verdict.lost == tuple(f"E{n}" for n in range(6))


def test_who_takes_everything_over_first_is_not(client, ids):
    bury(client)
    for name in ("alive", "me"):
        counted_by_hand(client, name)
    assert conservation(history(client, ids)).word == "proved"
    assert sum(map(len, buckets_in(client).values())) == 10


def test_the_dead_that_come_back_to_life_are_members_again_and_count_nothing_twice(
    client, fleet, produce
):
    feeder = produce(5, sized(8_000, 20_000))
    sound = fleet(names=["a", "b"])
    feeder.start()
    until(lambda: processed(client) > 2_000)
    sound.absence(0)
    # a start looks for the dead at once
    sound.kill(1)
    until(lambda: "a" not in names(client), what="a group without the dead")
    sound.processes[0].signal(signal.SIGCONT)
    until(lambda: "a" in names(client), what="a member again")
    feeder.finish()
    until_settled(client)
    sound.ready().stop()
    seen = {name: sound.observed[name] for name in ("absences", "taken_over", "kills")}
    assert conservation(history(client, feeder.ids), observed=seen).word == "proved"
    assert differences(client, entries(client)) == []


def test_the_dead_are_removed_from_an_idle_stream(client, ids, consumer, server):
    client.xgroup_createconsumer(STREAM, GROUP, "ghost")
    consumer(server.port).ready()
    until(lambda: set(names(client)) == {"alive", "host-1"})
    assert names(client)["alive"] == 4
