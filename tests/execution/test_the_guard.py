"""The risk guard: each of its limits says no, before the exchange is asked, for all instances."""

import dataclasses
from decimal import Decimal

import pytest

from consumers.exchanges import Order
from consumers.execution import Execution
from consumers.loop.failing import SpoiledKeyError
from consumers.trading.keeping import Keeper
from streams import intents
from tests.execution.desk import (
    add,
    inflight,
    pending,
    position,
    record,
    results,
    said,
    settle,
    state,
    trading,
    wanted,
)

#: 0.01 BTC at 60000 is worth 600.
NO = {
    "max_notional_per_order": ({"MAX_NOTIONAL_PER_ORDER_USD": "599.99"}, []),
    "max_notional_per_symbol": ({"MAX_NOTIONAL_PER_ORDER_USD": "600",
                                 "MAX_NOTIONAL_PER_SYMBOL_USD": "1199"}, ["BTCUSDT"]),
    "max_open_positions": ({"MAX_OPEN_POSITIONS": 1}, ["ETHUSDT"]),
    "max_orders_per_minute": ({"MAX_ORDERS_PER_MINUTE": 1}, ["BTCUSDT"]),
}  # fmt: skip


def before(symbol):
    price = {"BTCUSDT": "60000", "ETHUSDT": "3000"}[symbol]
    return wanted(trace_id=f"before-{symbol}", symbol=symbol, price=price,
                  quantity="0.01" if symbol == "BTCUSDT" else "0.1")  # fmt: skip


@pytest.mark.parametrize("reason", NO)
def test_each_limit_says_no_on_paper(server, client, reason):
    limits, first = NO[reason]
    made, work = trading(server, **limits)
    add(client, *map(before, first), wanted())
    settle(made, work)
    assert [state(client, f"before-{each}") for each in first] == ["FILLED"] * len(first)
    kept = record(client)
    assert kept["state"] == "REJECTED"
    assert kept["reason"].partition(":")[0] == reason
    assert not client.exists(f"quantum:paper:order:{intents.client_order_id('t1')}")
    assert len(results(client)) == 1 + len(first)
    assert pending(client) == 0
    assert inflight(client) == 0


@pytest.mark.parametrize("reason", NO)
def test_each_limit_says_no_before_the_exchange_hears_of_an_order(
    server, client, simulator, binance, clock, reason
):
    limits, first = NO[reason]
    made, work = trading(server, binance, clock=clock, **limits)
    add(client, *map(before, first), wanted())
    settle(made, work)
    assert record(client)["reason"].partition(":")[0] == reason
    assert len(simulator.calls("POST /fapi/v1/order")) == len(first)


def test_two_instances_share_one_guard(server, client, simulator, binance, clock):
    limits = {"MAX_ORDERS_PER_MINUTE": 2}
    one, two = (trading(server, binance, name, clock, **limits) for name in ("one", "two"))
    add(client, *[wanted(trace_id=each) for each in "abc"])
    for made, work in (one, two, one):
        work.take(made.client.execute_command(
            "XREADGROUP", "GROUP", made.place.group, made.place.consumer, "COUNT", 1,
            "STREAMS", made.place.stream, ">")[0][1])  # fmt: skip
    assert sorted(state(client, each) for each in "abc") == ["FILLED", "FILLED", "REJECTED"]


def test_a_minute_later_orders_pass_again(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock, MAX_ORDERS_PER_MINUTE=1)
    add(client, wanted(trace_id="a"))
    settle(made, work)
    clock.wait(61)
    add(client, wanted(trace_id="b"))
    settle(made, work)
    assert state(client, "b") == "FILLED"


def test_the_kill_switch_stops_new_exposure_at_once_and_lets_positions_be_closed(server, client):
    made, work = trading(server)
    add(client, wanted(trace_id="a"))
    settle(made, work)
    client.set(intents.KILL_SWITCH, '{"who": "me", "why": "test"}')
    add(
        client,
        wanted(trace_id="b"),
        wanted(trace_id="c", side="SELL"),
        wanted(trace_id="d", side="FLAT", quantity=None, reduce_only="true"),
    )
    settle(made, work)
    assert [record(client, each)["reason"] for each in "bc"] == ["kill_switch", "kill_switch"]
    assert state(client, "d") == "FILLED"
    client.delete(intents.KILL_SWITCH)
    add(client, wanted(trace_id="e"))
    settle(made, work)
    assert state(client, "e") == "FILLED"


def test_a_price_that_makes_an_order_look_small_does_not_fool_it(
    server, client, simulator, binance, clock
):
    made, work = trading(server, binance, clock=clock, MAX_NOTIONAL_PER_ORDER_USD=1000)
    add(client, wanted(quantity="1", price="10"))
    settle(made, work)
    assert record(client)["reason"].startswith("max_notional_per_order")
    assert simulator.fills() == {}


class Died(BaseException):
    """What a killed process runs no further than."""


def test_who_takes_over_believes_the_price_that_was_believed_before(
    server, client, simulator, binance, clock
):
    made, work = trading(server, binance, clock=clock)
    made = dataclasses.replace(made, failpoint=dies_at("execution.before_submit"))
    work = Execution(made, binance, clock.steady)
    add(client, wanted(price="10"))
    with pytest.raises(Died):
        settle(made, work)
    assert state(client) == "SUBMITTING"
    # by the intent's own price it would be worth 0.1
    made, work = trading(server, binance, "one", clock, MAX_NOTIONAL_PER_ORDER_USD=599)
    settle(made, work)
    assert record(client)["reason"].startswith("max_notional_per_order")
    assert simulator.calls("POST /fapi/v1/order") == []
    assert inflight(client) == 0


def dies_at(point):
    def passes(name):
        if name == point:
            raise Died(point)

    return passes


def test_what_reduces_passes_the_limits_on_exposure(server, client):
    made, work = trading(server, MAX_NOTIONAL_PER_ORDER_USD=600)
    add(client, *[wanted(trace_id=each) for each in "abc"],
        wanted(trace_id="d", side="FLAT", quantity=None, reduce_only="true"))  # fmt: skip
    settle(made, work)
    assert state(client, "d") == "FILLED"


@pytest.mark.parametrize(
    ("stops", "reason"),
    [({"stop_loss": "60000"}, "stop_loss"), ({"take_profit": "59999"}, "take_profit")],
)
def test_a_stop_on_the_wrong_side_is_refused_before_the_entry(
    server, client, simulator, binance, clock, stops, reason
):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(**stops))
    settle(made, work)
    assert record(client)["reason"].startswith(f"{reason}_on_the_wrong_side")
    assert simulator.calls("POST /fapi/v1/order") == []


def test_an_intent_whose_room_is_unknown_keeps_it(server, client, simulator, binance, clock):
    simulator.misbehave("unknown_after_fill", on="entry")
    simulator.misbehave("", on="query", times=0, effect="never", reply="said", status=503)
    limits = {"MAX_NOTIONAL_PER_SYMBOL_USD": 1100, "MAX_NOTIONAL_PER_ORDER_USD": 1000}
    made, work = trading(server, binance, clock=clock, **limits)
    add(client, wanted())
    settle(made, work)
    assert state(client) == "UNKNOWN"
    simulator.behave()
    add(client, wanted(trace_id="b"))
    settle(made, work)
    assert record(client, "b")["reason"].startswith("max_notional_per_symbol")


def test_a_spoiled_key_keeps_everything_back(server, client):
    made, work = trading(server)
    client.set(intents.EXPOSURE, "words")
    add(client, wanted())
    with pytest.raises(SpoiledKeyError, match="it is no hash"):
        settle(made, work)
    assert pending(client) == 1
    assert results(client) == []


def test_it_learns_what_a_person_did_at_the_exchange(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    settle(made, work)
    assert position(client) == simulator.position("BTCUSDT") != 0
    binance.place(Order("by-hand", "BTCUSDT", "SELL", Decimal("0.004")))
    clock.wait(61)
    settle(made, work)
    assert position(client) == simulator.position("BTCUSDT") == Decimal("0.006")
    assert said(made, "the exchange holds another position")


def test_it_learns_nothing_while_something_is_in_flight_or_has_moved(server, client):
    made, _ = trading(server)
    keeper = Keeper(made)
    client.hset(intents.EXPOSURE, mapping={"position:BTCUSDT": 100, "inflight:BTCUSDT": 1})
    keeper.reconcile("BTCUSDT", "100", Decimal(0))
    client.hdel(intents.EXPOSURE, "inflight:BTCUSDT")
    keeper.reconcile("BTCUSDT", "99", Decimal(0))
    assert client.hget(intents.EXPOSURE, "position:BTCUSDT") == "100"
    keeper.reconcile("BTCUSDT", "100", Decimal(0))
    assert not client.exists(intents.EXPOSURE)
