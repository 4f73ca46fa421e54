"""A limit per symbol: what is beyond it ends REJECTED, with a record and a result."""

import pytest

from consumers.loop.failing import StartError
from tests.killing import live
from tests.router.routers import (
    RECORD,
    RESULTS,
    STATUS,
    add,
    decided,
    intents,
    pending,
    reserved,
    router,
    said,
)

LIMITED = {"RATE_LIMIT_PER_SYMBOL": 2, "RATE_LIMIT_WINDOW_S": 3_600}
PUBLISHED = "quantum:router:published:"


def test_without_a_limit_nothing_is_refused_and_nothing_counted(server, client):
    add(client, *[decided(trace_id=f"t-{n}") for n in range(20)])
    live(*router(server))
    assert len(intents(client)) == 20
    assert not client.exists(f"{PUBLISHED}BTCUSDT")


def test_what_is_beyond_a_symbols_limit_ends_rejected(server, client):
    ids = add(client, *[decided(trace_id=f"t-{n}", correlation_id=f"c-{n}") for n in range(4)])
    add(client, decided(trace_id="other", symbol="ETHUSDT"))
    made = router(server, **LIMITED)
    live(*made)
    assert [i["trace_id"] for i in intents(client).values()] == ["t-0", "t-1", "other"]
    assert set(reserved(client)) == {"t-0", "t-1", "other"}
    results = client.xrange(RESULTS)
    assert [fields["identity"] for _, fields in results] == ["t-2", "t-3"]
    result_id, result = results[0]
    record = client.hgetall(f"{RECORD}t-2")
    for told in (result, record):
        assert told["state"] == "REJECTED"
        assert told["reason"] == "rate_limit"
        assert (told["symbol"], told["side"]) == ("BTCUSDT", "BUY")
        assert told["identity"] == told["trace_id"] == "t-2"
        assert told["correlation_id"] == "c-2"
        assert told["owner"] == "one"
        assert told["decision_id"] == ids[2]
    assert record["result_id"] == result_id
    assert result["source"] == "strategy_router"
    assert 0 < client.ttl(f"{RECORD}t-2") <= 604_800
    assert [line["result_id"] for line in said(made[0], "REJECTED")] == [i for i, _ in results]
    assert client.hget(STATUS, "rejected_total") == "2"
    assert pending(client) == 0


def test_a_rejected_decision_that_comes_again_stays_rejected(server, client):
    add(client, *[decided(trace_id=f"t-{n}") for n in (0, 1, 2, 2)])
    live(*router(server, **LIMITED))
    client.delete(f"{PUBLISHED}BTCUSDT")  # the window has passed
    add(client, decided(trace_id="t-2"))
    live(*router(server, **LIMITED))
    assert [i["trace_id"] for i in intents(client).values()] == ["t-0", "t-1"]
    assert len(client.xrange(RESULTS)) == 1
    assert client.hget(STATUS, "duplicates_total") == "2"


def test_several_routers_share_a_limit(server, client):
    add(client, decided(trace_id="t-0"))
    live(*router(server, "one", **LIMITED))
    add(client, decided(trace_id="t-1"), decided(trace_id="t-2"))
    live(*router(server, "two", **LIMITED))
    assert len(intents(client)) == 2
    assert len(client.xrange(RESULTS)) == 1


def test_the_window_slides(server, client):
    add(client, decided(trace_id="t-0"), decided(trace_id="t-1"))
    live(*router(server, **LIMITED))
    oldest_ms, newest_ms = client.lrange(f"{PUBLISHED}BTCUSDT", 0, -1)
    # an hour has passed since the older of the two: there is room for one
    client.lset(f"{PUBLISHED}BTCUSDT", 0, int(oldest_ms) - 3_600_000)
    add(client, decided(trace_id="t-2"), decided(trace_id="t-3"))
    live(*router(server, **LIMITED))
    assert [i["trace_id"] for i in intents(client).values()] == ["t-0", "t-1", "t-2"]
    assert client.lindex(f"{PUBLISHED}BTCUSDT", 0) == newest_ms
    assert client.llen(f"{PUBLISHED}BTCUSDT") == 2
    assert 0 < client.pttl(f"{PUBLISHED}BTCUSDT") <= 3_600_000


def test_duplicates_use_up_nothing(server, client):
    add(client, *[decided(trace_id="t-0") for _ in range(5)], decided(trace_id="t-1"))
    live(*router(server, **LIMITED))
    assert len(intents(client)) == 2
    assert not client.exists(RESULTS)


def test_what_reduces_a_risk_and_a_proofs_own_are_not_limited(server, client):
    add(client, *[decided(trace_id=f"t-{n}") for n in range(2)])
    add(client, decided(trace_id="close", side="sell", action="close", reduce_only=True))
    add(client, decided(trace_id="reduce", side="sell", reduce_only=True))
    add(client, decided(trace_id="canary", canary=True))
    live(*router(server, **LIMITED))
    assert {"close", "reduce", "canary"} < {i["trace_id"] for i in intents(client).values()}
    assert not client.exists(RESULTS)


@pytest.mark.parametrize("given", [{"RATE_LIMIT_PER_SYMBOL": -1}, {"RATE_LIMIT_WINDOW_S": 0}])
def test_a_limit_that_cannot_be_is_refused(server, given):
    with pytest.raises(StartError):
        router(server, **given)
