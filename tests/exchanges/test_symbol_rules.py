"""Rounding is down to the step, in decimals, and refuses what the symbol does not trade."""

from decimal import Decimal

import pytest

from consumers.exchanges import Refused
from consumers.exchanges.symbol_rules import SymbolRules, on_tick, rounded, rules
from tests.exchanges.conftest import adapter, entry

RULE = SymbolRules(*map(Decimal, ("0.00100000", "0.001", "120", "100", "0.10")))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("0.0129", "0.012"),
        ("0.013", "0.013"),
        ("1.0", "1"),
        ("119.9999", "119.999"),
        ("100", "1E+2"),
    ],
)
def test_a_quantity_is_rounded_down(wanted, expected):
    assert str(rounded(RULE, Decimal(wanted), Decimal(60_000), closing=False)) == expected


@pytest.mark.parametrize(
    ("wanted", "price", "code"),
    [
        ("0.0009", "60000", "below_min_quantity"),
        ("0", "60000", "below_min_quantity"),
        ("-1", "60000", "below_min_quantity"),
        ("0.001", "60000", "below_min_notional"),
        ("121", "60000", "above_max_quantity"),
        ("1e99", "60000", "unsendable"),
        ("NaN", "60000", "unsendable"),
        ("1", "Infinity", "unsendable"),
    ],
)
def test_what_the_symbol_does_not_trade_is_refused(wanted, price, code):
    with pytest.raises(Refused) as refused:
        rounded(RULE, Decimal(wanted), Decimal(price), closing=False)
    assert refused.value.code == code


def test_what_closes_a_position_may_be_worth_less():
    assert rounded(RULE, Decimal("0.001"), Decimal(1), closing=True) == Decimal("0.001")


@pytest.mark.parametrize(
    ("price", "expected"), [("59000.04", "59000"), ("59000.06", "59000.1"), ("0.1", "0.1")]
)
def test_a_price_goes_to_the_nearest_tick(price, expected):
    assert on_tick(RULE, Decimal(price)) == Decimal(expected)


@pytest.mark.parametrize("price", ["0.01", "0", "-5", "NaN", "1e99"])
def test_a_price_that_no_tick_is_near_is_refused(price):
    with pytest.raises(Refused):
        on_tick(RULE, Decimal(price))


def test_both_lot_filters_hold():
    lot = {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"}
    market = {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.01", "minQty": "0.05", "maxQty": "9"}
    price = {"filterType": "PRICE_FILTER", "tickSize": "0.5"}
    said = {"symbols": [{"symbol": "XUSDT", "filters": [lot, market, price]}]}
    assert rules(said)["XUSDT"] == SymbolRules(*map(Decimal, ("0.01", "0.05", "9", "0", "0.5")))


def test_what_symbols_allow_is_asked_once(simulator, binance):
    for _ in range(3):
        binance.quantity("BTCUSDT", Decimal("0.0129"), Decimal(60_000))
    assert len(simulator.calls("GET /fapi/v1/exchangeInfo")) == 1


def test_a_symbol_that_the_exchange_does_not_list_is_refused(simulator):
    with pytest.raises(Refused) as refused:
        adapter(simulator).quantity("NOSUCHUSDT", Decimal(1), Decimal(1))
    assert refused.value.code == "unknown_symbol"


def test_what_is_rounded_is_taken_by_the_exchange(simulator, binance):
    for number, symbol in enumerate(("BTCUSDT", "1000PEPEUSDT", "API3USDT", "SOLUSDT")):
        price = binance.price(symbol)
        quantity = binance.quantity(symbol, Decimal("123.456789") / price * 7, price)
        order = _order(symbol, quantity, number)
        assert binance.place(order).filled == quantity
        assert binance.place(_stop(order, price)).status == "NEW"


def _order(symbol, quantity, number):
    return entry(f"q-{number}", str(quantity), symbol=symbol)


def _stop(order, price):
    return order._replace(
        client_order_id=f"{order.client_order_id}-sl", side="SELL", kind="STOP_MARKET",
        stop_price=price * Decimal("0.9876543"), reduce_only=True,
    )  # fmt: skip
