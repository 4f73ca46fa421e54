"""Lag and pending by ids, also where Redis's own numbers are no truth."""

import pytest
import redis

from streams import groups
from streams.ids import id_key, id_ms
from tests.waiting import until

S, G = "s", "g"


@pytest.fixture
def filled(client):
    ids = [client.xadd(S, {"n": n}) for n in range(100)]
    client.xgroup_create(S, G, "0")
    client.xreadgroup(G, "me", {S: ">"}, count=40)
    return ids


def test_lag_and_pending_of_an_untouched_stream(client, filled):
    assert groups.lag(client, S, G) == groups.Lag(60, exact=True)
    assert groups.position(client, S, G) == groups.Position(filled[39], 40, 1, 60)
    assert list(groups.pending_ids(client, S, G)) == filled[:40]
    assert list(groups.pending_ids(client, S, G, "other")) == []
    assert list(groups.undelivered_ids(client, S, filled[39])) == filled[40:]


def test_nothing_waits_where_the_group_stands_at_the_end_whatever_redis_reckons(own_redis):
    """Redis 7.0 loads its AOF and remembers the last count that was set by hand, no later one."""
    client = own_redis.client()
    client.xgroup_create(S, G, "0", mkstream=True)
    first, *_ = [client.xadd(S, {"n": n}) for n in range(20)]
    client.xgroup_setid(S, G, first, entries_read=1)
    client.xreadgroup(G, "c", {S: ">"})
    own_redis.stop()
    own_redis.start()
    assert groups.lag(own_redis.client(), S, G) == groups.Lag(0, exact=True)


def test_lag_after_a_delete_past_the_group_counts_what_is_there(client, filled):
    client.xdel(S, filled[70], filled[80])
    assert groups.lag(client, S, G) == groups.Lag(58, exact=True)


def test_lag_after_a_trim_past_the_group_counts_what_is_there(client, filled):
    client.xtrim(S, maxlen=10, approximate=False)
    assert groups.lag(client, S, G) == groups.Lag(10, exact=True)


def test_lag_after_the_group_was_set_back_counts_what_it_was_not_given_since(client, filled):
    client.xgroup_setid(S, G, filled[9])
    assert groups.lag(client, S, G) == groups.Lag(90, exact=True)


def test_a_lag_too_long_to_count_says_so(client, filled):
    client.xdel(S, filled[99])
    assert groups.lag(client, S, G, up_to=50) == groups.Lag(50, exact=False)
    assert groups.lag(client, S, G, up_to=59) == groups.Lag(59, exact=True)


def test_where_there_is_no_group_there_is_no_answer(client, filled):
    assert groups.position(client, S, "other") is None
    assert groups.lag(client, "no stream", G) is None


def test_a_key_that_is_no_stream_is_an_error(client):
    client.set(S, "x")
    with pytest.raises(redis.ResponseError):
        groups.position(client, S, G)


def test_pages_follow_one_another(client, filled, monkeypatch):
    monkeypatch.setattr(groups, "PAGE", 7)
    assert list(groups.pending_ids(client, S, G, "me")) == filled[:40]
    assert list(groups.undelivered_ids(client, S, most=33)) == filled[:33]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("text", [True, False])
def test_any_client_will_do(server, filled, protocol, text):
    with redis.Redis(port=server.port, protocol=protocol, decode_responses=text) as other:
        until(other.ping)
        assert groups.lag(other, S, G) == groups.Lag(60, exact=True)
        assert list(groups.pending_ids(other, S, G)) == filled[:40]


def test_ids_compare_as_numbers():
    assert sorted(["10-0", "9-1", "9-10", "9-2"], key=id_key) == ["9-1", "9-2", "9-10", "10-0"]
    assert groups.below("9-9", "10-0")
    assert not groups.below("10-0", "10-0")
    assert id_key("5") == (5, 0)


def test_the_time_of_what_is_no_id_is_nothing():
    assert id_ms("1766602892766-3") == 1766602892766
    assert [id_ms(text) for text in ("", "-", "x-1", "9" * 5000)] == [0, 0, 0, 0]
