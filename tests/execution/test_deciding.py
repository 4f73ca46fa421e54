"""What becomes of an intent: states, ids, ages, takeovers, stops, closes; nothing is asked."""

from decimal import Decimal

import pytest

from consumers.exchanges import Report
from consumers.trading.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from consumers.trading.deciding import (
    Follow,
    SendAgain,
    Sent,
    Settle,
    Wait,
    age_ms,
    closing,
    ending,
    next_step,
    stops_are_wrong,
    without_exchange,
)
from streams import intents
from streams.intents import CLAIMED, LEGS, STATES, SUBMITTING, TERMINAL, UNKNOWN
from streams.outcomes import Outcome, is_partial, micro_usd, units
from streams.trade_intent import TradeIntent

NOW = 1_770_000_000_000


def test_nothing_follows_a_terminal_state_and_unknown_ends_by_a_resolution_alone():
    for state in STATES:
        for following in STATES:
            allowed = intents.may_follow(state, following)
            if state in TERMINAL:
                assert not allowed
            if following == CLAIMED:
                assert not allowed
    assert intents.may_follow("", CLAIMED)
    assert intents.may_follow(CLAIMED, SUBMITTING)
    assert not intents.may_follow(CLAIMED, intents.FILLED)
    assert not intents.may_follow("", UNKNOWN)
    assert {each for each in STATES if intents.may_follow(UNKNOWN, each)} == intents.RESOLUTIONS
    assert not intents.may_follow("NONE", CLAIMED)


@pytest.mark.parametrize("identity", ["t1", "", "a|BTCUSDT|BUY", "x" * 500, "ünïcödé", "\ud800"])
def test_client_order_ids_fit_the_exchange_and_differ_by_leg(identity):
    made = {intents.client_order_id(identity, leg) for leg in LEGS}
    assert len(made) == 3
    for each in made:
        assert 0 < len(each) <= intents.CLIENT_ORDER_ID_CHARS
        assert all(char.isascii() and (char.isalnum() or char in "_-") for char in each)
    assert intents.client_order_id(identity) == intents.client_order_id(identity, "entry")


def test_another_identity_has_other_ids_and_an_unknown_leg_none():
    assert intents.client_order_id("a") != intents.client_order_id("b")
    with pytest.raises(KeyError):
        intents.client_order_id("a", "other")


def report(status, filled="0", price="60000"):
    return Report("q", status, Decimal(filled), Decimal(price), "77")


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        (report("FILLED", "1"), "FILLED", ""),
        (report("CANCELED", "0.4"), "FILLED", "partly_filled: canceled_by_exchange"),
        (report("EXPIRED", "0.4"), "FILLED", "partly_filled: expired_by_exchange"),
        (report("CANCELED"), "FAILED", "canceled_by_exchange"),
        (report("EXPIRED"), "FAILED", "expired_by_exchange"),
        (report("REJECTED"), "REJECTED", "rejected_by_exchange"),
    ],
)
def test_how_an_order_ended(said, state, reason):
    outcome = ending(said)
    assert (outcome.state, outcome.reason, outcome.filled) == (state, reason, said.filled)
    assert outcome.exchange_order_id == "77"


@pytest.mark.parametrize("status", ["NEW", "PARTIALLY_FILLED", "FILLED"])
def test_what_has_not_ended_or_says_filled_without_a_quantity_is_no_end(status):
    assert ending(report(status)) is None


def test_less_than_was_asked_for_is_partial():
    assert is_partial(Outcome("FILLED", filled=Decimal("0.4")), "1")
    assert not is_partial(Outcome("FILLED", filled=Decimal("1.0")), "1")
    assert not is_partial(Outcome("FAILED"), "1")


LANDED, LATE = Sent(NOW, 10_000, 600_000), Sent(NOW, 600_001, 600_000)


@pytest.mark.parametrize(
    ("found", "sent", "now", "step"),
    [
        (report("FILLED", "1"), LANDED, NOW - 1, Settle),
        (report("FILLED", "1"), LATE, NOW + 1, Settle),
        (report("NEW"), LANDED, NOW + 99_999, Follow),
        (report("PARTIALLY_FILLED", "0.5"), LATE, NOW, Follow),
        (None, LANDED, NOW - 1, Wait),
        (None, LATE, NOW - 1, Wait),
        (None, LANDED, NOW, SendAgain),
        (None, LATE, NOW, Settle),
    ],
)
def test_what_follows_for_an_order_that_may_have_been_sent(found, sent, now, step):
    made = next_step(found, sent, now)
    assert isinstance(made, step)
    if step is Settle and found is None:
        assert made.outcome.state == "EXPIRED"


def intent(**more):
    words = {
        "identity": "t1", "trace_id": "t1", "correlation_id": "", "symbol": "BTCUSDT",
        "side": "BUY", "closes": False, "reduce_only": False, "quantity": Decimal(1),
        "notional_usd": None, "price": Decimal(60_000), "leverage": None, "stop_loss": None,
        "take_profit": None, "made_ms": NOW, "canary": False,
    }  # fmt: skip
    return TradeIntent(**(words | more))


@pytest.mark.parametrize(
    ("made", "age", "shut", "state"),
    [
        ({}, 0, (), None),
        ({}, 600_000, (), None),
        ({}, 600_001, (), "EXPIRED"),
        ({}, -30_000, (), None),
        ({}, -30_001, (), "EXPIRED"),
        ({"canary": True}, 0, (), "DRAINED"),
        ({"canary": True}, 10**9, (), "DRAINED"),
        ({}, 0, ("SAFE_DRAIN=true",), "DRAINED"),
        ({}, 10**9, ("SAFE_DRAIN=true",), "DRAINED"),
        ({"made_ms": NOW + 10**9}, 600_001, (), "EXPIRED"),
    ],
)
def test_what_ends_without_any_exchange(made, age, shut, state):
    entry_id, now = f"{NOW}-0", NOW + age
    outcome = without_exchange(intent(**made), entry_id, now, max_age_ms=600_000, shut=shut)
    assert (outcome and outcome.state) == state


def test_an_intent_is_never_younger_than_its_entry():
    assert age_ms(NOW + 5000, f"{NOW}-3", NOW + 10) == 10
    assert age_ms(NOW - 5000, f"{NOW}-3", NOW + 10) == 5010
    assert age_ms(NOW, "no id", NOW + 10) == 10


@pytest.mark.parametrize(
    ("side", "stop_loss", "take_profit", "wrong"),
    [
        ("BUY", 90, 110, ""), ("SELL", 110, 90, ""), ("BUY", None, None, ""),
        ("BUY", 100, None, "stop_loss"), ("BUY", 101, 110, "stop_loss"),
        ("BUY", None, 100, "take_profit"), ("SELL", 99, None, "stop_loss"),
        ("SELL", None, 101, "take_profit"), ("SELL", 110, 100, "take_profit"),
    ],
)  # fmt: skip
def test_stops_on_the_wrong_side_of_the_price(side, stop_loss, take_profit, wrong):
    def amount(value):
        return None if value is None else Decimal(value)

    assert stops_are_wrong(side, Decimal(100), amount(stop_loss), amount(take_profit)) == wrong


@pytest.mark.parametrize(
    ("side", "position", "wanted", "order"),
    [
        ("FLAT", 3, None, ("SELL", 3)), ("FLAT", -3, None, ("BUY", 3)), ("FLAT", 3, 1, ("SELL", 3)),
        ("FLAT", 0, None, None), ("SELL", 3, 2, ("SELL", 2)), ("SELL", 3, 5, ("SELL", 3)),
        ("SELL", 3, None, ("SELL", 3)), ("BUY", 3, 2, None), ("BUY", -3, 2, ("BUY", 2)),
        ("SELL", 0, 2, None), ("SELL", -3, 2, None),
    ],
)  # fmt: skip
def test_a_close_reduces_what_is_open_and_never_more(side, position, wanted, order):
    wanted = None if wanted is None else Decimal(wanted)
    assert closing(side, Decimal(position), wanted) == order


def test_what_the_guard_reckons_with_is_rounded_against_us():
    assert units(Decimal("0.000000001")) == 1
    assert units(Decimal("-0.000000001")) == -1
    assert micro_usd(Decimal("0.0000001")) == 1


def test_the_breaker_opens_after_failures_in_a_row_and_probes_once():
    breaker = Breaker(3, 10)
    for _ in range(2):
        breaker.failed(0, "x")
    breaker.answered()
    for _ in range(2):
        breaker.failed(0, "x")
    assert breaker.state(0) == CLOSED
    breaker.failed(0, "why")
    assert (breaker.state(9.9), breaker.cause, breaker.left_s(4)) == (OPEN, "why", 6)
    assert breaker.state(10) == HALF_OPEN
    breaker.failed(10, "again")
    assert breaker.state(19) == OPEN
    assert breaker.state(20) == HALF_OPEN
    breaker.answered()
    assert (breaker.state(20), breaker.cause) == (CLOSED, "")


def test_the_breaker_waits_for_as_long_as_the_exchange_asks():
    breaker = Breaker(3, 10)
    breaker.throttled(0, 300, "429")
    breaker.failed(1, "x")
    assert breaker.state(299) == OPEN
    assert breaker.state(300) == HALF_OPEN
