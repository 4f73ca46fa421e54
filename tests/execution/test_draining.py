"""SAFE_DRAIN: unless three things are set every intent is drained, and no exchange hears of any."""

import pytest

from consumers.loop import settings
from consumers.loop.failing import StartError
from consumers.trading.settings import Settings
from tests.execution.desk import (
    STREAM,
    TRADING,
    add,
    alerts,
    applied,
    desk,
    pending,
    record,
    results,
    said,
    settle,
    state,
    trading,
    wanted,
)
from tests.waiting import until

ON = {name: TRADING[name] for name in ("QUANTUM_MODE", "TRADING_ENABLED", "SAFE_DRAIN")}
SHUT = {
    "as shipped": {},
    "sandbox": ON | {"QUANTUM_MODE": "sandbox"},
    "not enabled": ON | {"TRADING_ENABLED": "false"},
    "safe drain": ON | {"SAFE_DRAIN": "true"},
    "safe drain, by its old name": {"QUANTUM_MODE": "testnet", "TRADING_ENABLED": "true",
                                    "TRADE_INTENT_SAFE_DRAIN": "true"},
}  # fmt: skip
DAY = [
    wanted(trace_id="a", leverage=5, stop_loss="59000", take_profit="62000"),
    wanted(trace_id="b", side="FLAT", quantity=None, reduce_only="true"),
    wanted(trace_id="c", canary="true"),
    wanted(trace_id="d", timestamp="1700000000"),
    wanted(trace_id="e", quantity=None, position_usd="600"),
]


@pytest.mark.parametrize("how", SHUT)
def test_every_intent_is_drained_and_no_exchange_is_called(own_redis, consumer, simulator, how):
    client, server = own_redis.client(), own_redis
    add(client, *DAY)
    once = consumer(
        server.port, module="consumers.execution", words=["--once"], EXCHANGE="binance_futures",
        EXCHANGE_URL=simulator.url, EXCHANGE_API_KEY=simulator.key,
        EXCHANGE_API_SECRET=simulator.secret, **SHUT[how],
    )  # fmt: skip
    assert once.ended() == 0
    assert {state(client, each) for each in "abcde"} == {"DRAINED"}
    assert simulator.calls() == []
    assert len(results(client)) == 5
    assert {each["details"]["decision"] for each in applied(client)} == {"SKIP"}
    assert pending(client) == 0
    (line,) = [line for line in once.lines() if line["event"] == "trading"]
    assert line["trading"].startswith("off: ")
    assert client.hget("quantum:execution:status:host-1", "trading") == line["trading"]


def test_a_canary_is_drained_where_everything_else_trades(
    server, client, simulator, binance, clock
):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(canary="true"))
    settle(made, work)
    assert (record(client)["state"], record(client)["reason"]) == ("DRAINED", "canary")
    assert simulator.calls() == []


def test_what_was_under_way_when_trading_was_switched_off_is_unknown(
    server, client, simulator, binance, clock
):
    simulator.misbehave("unknown_after_fill", on="entry")
    simulator.misbehave("", on="query", times=0, effect="never", reply="said", status=503)
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    with pytest.raises(AssertionError, match="come to rest"):
        settle(made, work, most_steps=2)
    before = len(simulator.calls())
    made, work = desk(server, clock=clock)
    settle(made, work)
    assert record(client)["state"] == "UNKNOWN"
    assert record(client)["reason"].startswith("was_under_way")
    assert len(alerts(client)) == 1
    assert len(simulator.calls()) == before


def test_what_surely_never_left_is_drained_then(server, client, simulator, binance, clock):
    simulator.misbehave("throttled", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    with pytest.raises(AssertionError, match="come to rest"):
        settle(made, work, most_steps=3)
    assert state(client) == "SUBMITTING"
    made, work = desk(server, clock=clock)
    settle(made, work)
    assert state(client) == "DRAINED"


def test_ages_without_a_readable_time_and_close_without_reduce_only(server, client):
    made, work = trading(server)
    add(
        client,
        wanted(trace_id="a", timestamp="NaN"),
        wanted(trace_id="b", side="FLAT", quantity=None),
        wanted(trace_id="c", timestamp="1700000000"),
    )
    settle(made, work)
    reasons = [each["reason"] for _, each in client.xrange(f"{STREAM}:dlq")]
    assert reasons == ["no_time", "close_without_reduce_only"]
    assert state(client, "c") == "EXPIRED"
    assert pending(client) == 0
    assert len(said(made, "given up")) == 2


def test_old_names_are_taken_with_a_warning_and_contradictions_are_not():
    old = {"TRADE_INTENT_SAFE_DRAIN": "false", "TRADE_INTENT_MAX_AGE_MINUTES": "5"}
    wanted_ = settings.read(Settings, old)
    assert (wanted_.safe_drain, wanted_.intent_max_age_s) == (False, 300)
    assert len(wanted_.warnings) == 2
    with pytest.raises(StartError, match="contradict"):
        settings.read(Settings, old | {"SAFE_DRAIN": "true"})
    with pytest.raises(StartError, match="contradict"):
        settings.read(Settings, old | {"INTENT_MAX_AGE_S": "301"})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"EXCHANGE": "kraken"}, "EXCHANGE must be one of"),
        (ON | {"EXCHANGE": "binance_futures"}, "credential exchange_api_key"),
        (ON | {"EXCHANGE": "binance_futures", "EXCHANGE_URL": "https://fapi.binance.com",
               "EXCHANGE_API_KEY": "k", "EXCHANGE_API_SECRET": "s"}, "EXCHANGE_URL|testnet|live"),
        ({"MAX_NOTIONAL_PER_ORDER_USD": "2", "MAX_NOTIONAL_PER_SYMBOL_USD": "1"}, "is above"),
        ({"START_AT": "now"}, "START_AT must be one of"),
    ],
)  # fmt: skip
def test_settings_that_cannot_stand_stop_the_start(given, why):
    with pytest.raises(StartError, match=why):
        settings.read(Settings, given)


def test_trading_is_said_at_the_start_and_in_the_status(server, client, consumer):
    consumer(server.port, module="consumers.execution", **ON).ready()
    until(lambda: client.hget("quantum:execution:status:host-1", "trading") == "ON")
    assert client.hget("quantum:execution:status:host-1", "exchange") == "paper"
