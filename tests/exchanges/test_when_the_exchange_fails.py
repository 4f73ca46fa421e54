"""Each way of failing becomes exactly one error, and the library never sends a second time."""

from decimal import Decimal

import pytest

from consumers.exchanges import (
    ClockSkew,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
)
from fault_injection.exchange_simulator import NAMED
from tests.exchanges.conftest import adapter, entry, stop
from tests.servers import free_port

#: What is planned, what `place` raises, and whether the order was filled all the same.
FAILURES = {
    "unknown_after_fill": (OutcomeUnknown, True),
    "unknown_before_fill": (OutcomeUnknown, False),
    "bad_gateway_after_fill": (OutcomeUnknown, True),
    "timeout_after_acceptance": (OutcomeUnknown, True),
    "timeout_before_acceptance": (OutcomeUnknown, False),
    "late_request": (OutcomeUnknown, False),
    "late_request_no_answer": (OutcomeUnknown, False),
    "throttled": (Throttled, False),
    "banned": (Throttled, False),
    "below_min_notional": (Refused, False),
    "clock_skew": (ClockSkew, False),
    "closed_before_effect": (OutcomeUnknown, False),
    "closed_after_effect": (OutcomeUnknown, True),
    "truncated_answer": (OutcomeUnknown, True),
    "dripping_answer": (OutcomeUnknown, True),
}
#: What goes wrong without an error.
REPORTS = {"late_answer", "partial_fill", "partial_fill_expired"}
#: What is meant for other calls.
ELSEWHERE = {"unknown_on_cancel", "unknown_on_query"}

PLACED = "POST /fapi/v1/order"


def test_every_named_misbehaviour_has_its_line_in_this_table():
    assert set(FAILURES) | REPORTS | ELSEWHERE == set(NAMED)


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_error_and_one_request(simulator, binance, hasty, name):
    error, filled = FAILURES[name]
    simulator.misbehave(name)
    exchange = hasty if "timeout" in name or "dripping" in name else binance
    with pytest.raises(error) as raised:
        exchange.place(entry())
    assert type(raised.value) is error
    assert len(simulator.calls(PLACED)) == 1
    assert len(simulator.fills().get("q-1", [])) == filled


@pytest.mark.parametrize("name", ["unknown_after_fill", "closed_after_effect", "truncated_answer"])
def test_after_an_unknown_outcome_the_fill_is_found(simulator, binance, name):
    simulator.misbehave(name)
    with pytest.raises(OutcomeUnknown):
        binance.place(entry())
    assert binance.find("BTCUSDT", "q-1").status == "FILLED"


def test_a_late_request_is_not_found_and_then_fills_although_nobody_sent_it_again(
    simulator, binance
):
    simulator.misbehave("late_request")
    with pytest.raises(OutcomeUnknown):
        binance.place(entry())
    assert binance.find("BTCUSDT", "q-1") is None
    assert simulator.release() == 1
    assert binance.find("BTCUSDT", "q-1").status == "FILLED"


def test_a_late_request_is_dead_once_its_validity_is_over(simulator):
    clock = {"ms": 1_700_000_000_000}
    exchange = adapter(simulator, now_ms=lambda: clock["ms"])
    simulator.set_clock(clock["ms"] - simulator.now_ms())
    simulator.misbehave("late_request")
    with pytest.raises(OutcomeUnknown):
        exchange.place(entry())
    simulator.set_clock(clock["ms"] + exchange.validity_ms + 1 - simulator.now_ms())
    simulator.release()
    assert simulator.calls(PLACED)[0]["effect"] == "refused -1021"
    assert simulator.fills() == {}


def test_an_order_may_be_valid_for_a_shorter_time_but_never_a_longer_one(simulator, binance):
    for number, valid_ms in enumerate((0, 3_000, 60_000)):
        binance.place(entry(f"q-{number}", valid_ms=valid_ms))
    windows = [call["parameters"]["recvWindow"] for call in simulator.calls(PLACED)]
    assert windows == ["5000", "2000", "5000"]
    assert binance.validity_ms == 6_000
    with pytest.raises(Refused):
        binance.place(entry(valid_ms=1_000))


def test_a_late_answer_is_an_answer(simulator, binance):
    simulator.misbehave("late_answer")
    assert binance.place(entry()).status == "FILLED"


@pytest.mark.parametrize(
    ("name", "status"),
    [("partial_fill", "PARTIALLY_FILLED"), ("partial_fill_expired", "EXPIRED")],
)
def test_a_partial_fill_is_told_as_it_is(simulator, binance, name, status):
    simulator.misbehave(name)
    report = binance.place(entry())
    assert (report.status, report.filled) == (status, Decimal("0.005"))
    assert binance.find("BTCUSDT", "q-1") == report


def test_what_is_left_of_a_partial_fill_can_be_cancelled(simulator, binance):
    simulator.misbehave("partial_fill")
    binance.place(entry())
    cancelled = binance.cancel("BTCUSDT", "q-1")
    assert (cancelled.status, cancelled.filled) == ("CANCELED", Decimal("0.005"))


@pytest.mark.parametrize(("name", "seconds"), [("throttled", 7), ("banned", 300)])
def test_the_wait_is_the_one_that_the_exchange_asked_for(simulator, binance, name, seconds):
    simulator.misbehave(name)
    with pytest.raises(Throttled) as throttled:
        binance.place(entry())
    assert throttled.value.retry_after_s == seconds


def test_after_a_clock_that_is_off_the_next_try_goes_by_the_exchanges_time(simulator, binance):
    simulator.set_clock(-3_600_000)
    with pytest.raises(ClockSkew):
        binance.place(entry())
    assert binance.place(entry()).status == "FILLED"


def test_a_clock_that_cannot_be_asked_is_still_only_a_clock_that_is_off(simulator, binance):
    simulator.set_clock(-3_600_000)
    simulator.misbehave("unknown_before_fill", on="time")
    with pytest.raises(ClockSkew):
        binance.place(entry())


def test_an_id_that_an_open_order_has_leads_to_that_order(simulator, binance):
    binance.place(entry())
    binance.place(stop())
    assert binance.place(stop()) == binance.find("BTCUSDT", "q-1-sl")
    assert [call["effect"] for call in simulator.calls("POST /fapi/v1/algoOrder")] == [
        "done",
        "refused -4116",
    ]


def test_an_id_that_is_taken_by_a_partly_filled_order_leads_to_it(simulator, binance):
    simulator.misbehave("partial_fill")
    first = binance.place(entry())
    assert binance.place(entry()) == first


@pytest.mark.parametrize("name", ["unknown_before_fill", "unknown_on_query"])
def test_an_id_that_is_taken_by_an_order_that_cannot_be_found_is_unknown(simulator, binance, name):
    simulator.misbehave("partial_fill")
    binance.place(entry())
    simulator.misbehave(name, on="query")
    with pytest.raises(OutcomeUnknown):
        binance.place(entry())


def test_an_id_that_the_exchange_cannot_read_is_refused_once_no_order_has_it(simulator, binance):
    simulator.misbehave("below_min_notional", code=-4015)
    with pytest.raises(Refused) as refused:
        binance.place(entry())
    assert refused.value.code == "-4015"


def test_the_exchange_does_not_keep_ids_of_filled_orders_apart(simulator, binance):
    """Why nobody may lean on it: the same id sent twice buys twice."""
    binance.place(entry())
    binance.place(entry())
    assert len(simulator.fills()["q-1"]) == 2


def test_unknown_on_cancel_is_none_and_unknown_on_query_is_none(simulator, binance):
    simulator.misbehave("unknown_on_cancel", times=2)
    assert binance.cancel("BTCUSDT", "q-1") is None
    simulator.misbehave("unknown_on_query", times=2)
    assert binance.find("BTCUSDT", "q-1") is None


@pytest.mark.parametrize("call", ["find", "cancel", "position", "price", "set_leverage", "place"])
def test_nobody_there_is_not_sent(simulator, call):
    exchange = adapter(simulator, url=f"http://127.0.0.1:{free_port()}")
    arguments = {
        "find": ("BTCUSDT", "q-1"),
        "cancel": ("BTCUSDT", "q-1"),
        "position": ("BTCUSDT",),
        "price": ("BTCUSDT",),
        "set_leverage": ("BTCUSDT", 5),
        "place": (entry(),),
    }[call]
    with pytest.raises(NotSent):
        getattr(exchange, call)(*arguments)


@pytest.mark.parametrize("name", ["unknown_before_fill", "closed_before_effect"])
def test_a_stop_whose_rules_cannot_be_read_is_not_sent(simulator, binance, name):
    simulator.misbehave(name, on="rules")
    with pytest.raises(NotSent):
        binance.place(stop())
    assert simulator.calls("POST /fapi/v1/algoOrder") == []


def test_a_connection_that_the_exchange_closed_meanwhile_costs_nothing(simulator, binance):
    binance.place(entry())
    connection = binance._wire._connection
    simulator.misbehave("closed_after_effect", on="price")
    with pytest.raises(OutcomeUnknown):
        binance.price("BTCUSDT")
    assert binance.place(entry("q-2")).status == "FILLED"
    assert binance._wire._connection is not connection


def test_a_wrong_secret_is_refused(simulator):
    with pytest.raises(Refused) as refused:
        adapter(simulator, secret="another").place(entry())
    assert refused.value.code == "-1022"


def test_a_wrong_key_is_refused(simulator):
    with pytest.raises(Refused) as refused:
        adapter(simulator, key="another").place(entry())
    assert refused.value.code == "-2015"
