"""The simulator is as strict as the exchange, and does wrong only what was planned."""

from decimal import Decimal

import pytest

from consumers.exchanges import OutcomeUnknown, Refused
from fault_injection.exchange_simulator.exchange import SimulatedExchange
from fault_injection.exchange_simulator.misbehaving import NAMED, Plan, misbehaviour
from tests.exchanges.conftest import adapter, entry, stop
from tests.exchanges.signing import Caller


@pytest.fixture
def exchange():
    """The exchange without HTTP around it, at a time of its own."""
    return SimulatedExchange(now_ms=lambda: 1_700_000_000_000)


@pytest.fixture
def caller(exchange):
    return Caller(exchange)


def code(call):
    return Caller.said(call).get("code")


def test_an_id_is_taken_only_while_its_order_is_open(exchange, caller):
    exchange.misbehave("partial_fill")
    assert code(caller.market("q-1")) is None
    assert code(caller.market("q-1")) == -4116
    exchange.fill_rest("q-1")
    assert code(caller.market("q-1")) is None
    assert [fill.quantity for fill in exchange.fills()["q-1"]] == [
        Decimal("0.005"), Decimal("0.005"), Decimal("0.01"),
    ]  # fmt: skip


def test_orders_and_stops_have_ids_of_their_own(exchange, caller):
    caller.market("q-1")
    assert code(caller.stop("q-1")) is None
    assert code(caller.stop("q-1")) == -4116


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"symbol": "NOSUCH"}, -1121),
        ({"side": "LONG"}, -1117),
        ({"type": "LIMIT"}, -1116),
        ({"type": "STOP_MARKET", "stopPrice": "1"}, -4120),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": "much"}, -4003),
        ({"quantity": "121"}, -4005),
        ({"quantity": "0.001"}, -4164),
        ({"newClientOrderId": "q" * 37}, -4015),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "true", "quantity": "0.001"}, -2022),
    ],
)
def test_an_order_that_the_exchange_does_not_take_is_refused(exchange, caller, words, expected):
    assert code(caller.market("q-1", **words)) == expected
    assert exchange.fills() == {}


def test_a_stop_that_is_off_its_tick_is_refused(caller):
    assert code(caller.stop("q-1", triggerPrice="59000.05")) == -4014


@pytest.mark.parametrize(
    ("age_ms", "window", "expected"),
    [
        (0, "5000", None),
        (5_000, "5000", None),
        (5_001, "5000", -1021),
        (5_000, None, None),
        (5_001, None, -1021),
        (-999, "5000", None),
        (-1_000, "5000", -1021),
        (0, "60001", -1131),
        (0, "long", -1102),
    ],
)
def test_a_request_is_taken_inside_its_own_window_alone(caller, age_ms, window, expected):
    words = {"recvWindow": window} if window else {}
    assert code(caller.market("q-1", age_ms=age_ms, **words)) == expected


def test_a_request_with_a_wrong_key_or_signature_is_refused(exchange, caller):
    assert code(Caller(exchange, key="another").market("q-1")) == -2015
    assert code(Caller(exchange, secret="another").market("q-1")) == -1022
    assert code(caller.market("q-1", signature="ab" * 32)) == -1022
    assert code(caller.market("q-1", signature="")) == -1022
    assert exchange.fills() == {}


def test_a_reduce_only_order_reduces_to_nothing_and_no_further(exchange, caller):
    caller.market("q-1")
    more = caller.market(
        "q-2", side="SELL", reduceOnly="true", quantity="0.500", newOrderRespType="RESULT"
    )
    assert Caller.said(more)["executedQty"] == "0.010"
    assert exchange.position("BTCUSDT") == 0
    assert code(caller.market("q-3", side="SELL", reduceOnly="true")) == -2022


@pytest.mark.parametrize(
    ("side", "kind", "price", "triggered"),
    [
        ("SELL", "STOP_MARKET", "58999.9", True),
        ("SELL", "STOP_MARKET", "59000.1", False),
        ("SELL", "TAKE_PROFIT_MARKET", "59000.1", True),
        ("SELL", "TAKE_PROFIT_MARKET", "58999.9", False),
        ("BUY", "STOP_MARKET", "59000.1", True),
        ("BUY", "TAKE_PROFIT_MARKET", "58999.9", True),
    ],
)
def test_a_price_triggers_what_it_crosses(exchange, caller, side, kind, price, triggered):
    caller.market("q-1", side="SELL" if side == "BUY" else "BUY")
    caller.stop("q-2", side=side, type=kind)
    exchange.move("BTCUSDT", price)
    assert ("q-2" in exchange.fills()) == triggered


def test_a_triggered_stop_with_nothing_to_reduce_expires(exchange, caller):
    caller.stop("q-1")
    exchange.trigger("q-1")
    assert [order.status for order in exchange.orders()] == ["EXPIRED"]


def test_the_adapter_follows_a_stop_to_the_order_that_it_became(simulator, binance):
    binance.place(entry())
    binance.place(stop())
    simulator.move("BTCUSDT", "58000")
    report = binance.find("BTCUSDT", "q-1-sl")
    assert (report.client_order_id, report.status) == ("q-1-sl", "FILLED")
    assert (report.filled, report.average_price) == (Decimal("0.01"), Decimal(58_000))
    assert binance.position("BTCUSDT") == 0


def test_an_answer_says_new_unless_the_result_is_asked_for(caller):
    assert Caller.said(caller.market("q-1"))["status"] == "NEW"
    result = caller.market("q-2", newOrderRespType="RESULT")
    assert Caller.said(result)["status"] == "FILLED"


def test_the_log_says_what_was_asked_what_it_did_and_what_was_answered(simulator, binance):
    binance.set_leverage("BTCUSDT", 20)
    simulator.misbehave("unknown_after_fill")
    with pytest.raises(OutcomeUnknown):
        binance.place(entry())
    leverage, order = simulator.calls()
    assert (leverage["path"], leverage["parameters"]["leverage"]) == ("/fapi/v1/leverage", "20")
    assert (order["method"], order["client_order_id"]) == ("POST", "q-1")
    assert (order["misbehaviour"], order["effect"]) == ("unknown_after_fill", "FILLED")
    assert order["reply"] == "503"
    assert "signature" not in order["parameters"]
    assert simulator.leverage("BTCUSDT") == 20


def test_what_is_in_flight_when_the_simulator_starts_anew_never_lands(simulator, binance):
    simulator.misbehave("late_request")
    with pytest.raises(OutcomeUnknown):
        binance.place(entry())
    simulator.reset()
    assert simulator.release() == 0
    assert simulator.fills() == {}


def taken(plan, calls=10, route=("POST", "/fapi/v1/order")):
    return [plan.take(*route, f"q-{number}") is not None for number in range(calls)]


def planned(**changes):
    plan = Plan()
    plan.add(misbehaviour("throttled", **changes))
    return plan


def test_a_plan_is_for_the_next_call_after_those_it_skips_and_for_so_many():
    assert taken(planned(), 3) == [True, False, False]
    assert taken(planned(skip=1, times=2), 5) == [False, True, True, False, False]
    assert taken(planned(times=0), 3) == [True, True, True]


def test_a_share_of_the_calls_is_the_same_for_the_same_seed():
    some = taken(planned(times=0, share=0.5, seed=7), 40)
    assert some == taken(planned(times=0, share=0.5, seed=7), 40)
    assert some != taken(planned(times=0, share=0.5, seed=8), 40)
    assert 5 < sum(some) < 35


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("place", {"entry", "stop"}),
        ("entry", {"entry"}),
        ("query", {"query"}),
        ("any", {"entry", "stop", "query"}),
        ("POST /fapi/v1/algoOrder", {"stop"}),
    ],
)
def test_a_plan_is_for_the_calls_it_names(on, expected):
    routes = {
        "entry": ("POST", "/fapi/v1/order"),
        "stop": ("POST", "/fapi/v1/algoOrder"),
        "query": ("GET", "/fapi/v1/order"),
    }
    hit = {name for name, route in routes.items() if taken(planned(on=on, times=0), 1, route)[0]}
    assert hit == expected


def test_a_plan_may_be_for_one_id_alone():
    assert taken(planned(client_order_id="q-2", times=0), 4) == [False, False, True, False]


def test_two_plans_are_taken_in_order():
    plan = planned()
    plan.add(NAMED["banned"])
    assert [plan.take("POST", "/fapi/v1/order", "q").name for _ in range(2)] == [
        "throttled",
        "banned",
    ]
    assert plan.take("POST", "/fapi/v1/order", "q") is None


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("", {"effect": "maybe"}),
        ("", {"reply": "loud"}),
        ("", {"effect": "never"}),
        ("", {"no_such": 1}),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(exchange, name, changes):
    with pytest.raises(TypeError):
        exchange.misbehave(name, **changes)


def test_a_misbehaviour_that_nobody_knows_is_refused(exchange):
    with pytest.raises(KeyError):
        exchange.misbehave("sulking")


def test_a_held_order_is_answered_when_it_is_released(simulator):
    """The exchange's own time-out, seen by a caller with more patience."""
    simulator.misbehave("late_request", reply="true", after_ms=1)
    assert adapter(simulator).place(entry()).status == "FILLED"


def test_a_path_that_is_none_is_refused(simulator):
    exchange = adapter(simulator)
    exchange._wire.begin()
    with pytest.raises(Refused):
        exchange._client.session.get(f"{simulator.url}/fapi/v9/nothing")
