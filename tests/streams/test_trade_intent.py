"""The normaliser of intents: a table of cases, totality, identities, money without floats."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.trade_fields import NAMES
from streams.trade_intent import Malformed, TradeIntent, normalise
from tests.streams.trade_cases import differences, table

ID = "1770135150500-0"
CASES = table("trade_intent")
TRADE = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.5", "timestamp": "1770135150"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_an_intent_is_read_as_the_table_says(case):
    assert differences(normalise(case["id"], case["fields"]), case["expect"]) == {}


def test_the_table_notices_what_it_shall_notice():
    read = normalise(ID, TRADE)
    assert set(differences(read, {"side": "SELL", "malformed": "no_side", "digest": False})) == {
        "side",
        "malformed",
        "digest",
    }
    assert differences(read, {"quantity": "0.51"})
    assert differences(read, {"reduce_only": 0})


names = st.sampled_from(["payload", "data", "other", *sorted(NAMES)])
words = st.sampled_from(
    [
        *("BUY", "short", "FLAT", "BTCUSDT", "1770135150", "1770135150500-0", "true", "none"),
        *("0.1", "-0", "1e400", "NaN", "sNaN", "9" * 5000, "{}", "[]", "", " "),
        *("\ud800", "\u017fell"),
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | words
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner)
)
fields = st.dictionaries(names, words | values | values.map(json.dumps) | st.binary())


def check(read):
    assert read.identity
    assert read.identity.encode()
    if isinstance(read, Malformed):
        assert read.reason
        return
    assert read.side in ("BUY", "SELL", "FLAT")
    assert read.symbol.isascii()
    assert read.closes or (read.quantity is None) != (read.notional_usd is None)
    assert not read.closes or read.reduce_only is True
    for amount in (read.quantity, read.notional_usd, read.price, read.stop_loss, read.take_profit):
        assert amount is None or (type(amount) is Decimal and amount.is_finite() and amount > 0)
    assert read.leverage is None or 1 <= read.leverage <= 125
    assert type(read.made_ms) is int
    assert read.made_ms > 0


@given(st.text() | st.from_regex(r"[0-9]{1,20}-[0-9]{1,20}"), fields)
def test_whatever_an_entry_holds_there_is_an_answer_and_always_the_same(entry_id, given_fields):
    read = normalise(entry_id, given_fields)
    check(read)
    assert normalise(entry_id, given_fields) == read


@given(fields)
def test_a_trade_with_anything_beside_it_is_read_or_refused(given_fields):
    check(normalise(ID, TRADE | given_fields))
    check(normalise(ID, given_fields | {"payload": json.dumps(TRADE)}))


def test_fields_that_no_json_can_say_are_answered_too():
    circle = {}
    circle["payload"] = circle
    check(normalise(ID, circle))
    check(normalise(ID, {1: 2, None: 3, "symbol": object()}))
    deep = value = {}
    for _ in range(5_000):
        value["other"] = value = {}
    check(normalise(ID, deep | TRADE))


def test_a_trade_goes_by_the_same_digest_whatever_it_is_wrapped_in():
    wrapped = [
        TRADE,
        {"data": json.dumps(TRADE)},
        {"payload": json.dumps({"data": TRADE}), "event_type": "trade.intent", "source": "x"},
        {"payload": json.dumps(TRADE | {"timestamp": 1770135150000}), "trace_id": ""},
    ]
    assert len({normalise(ID, each).identity for each in wrapped}) == 1


@pytest.mark.parametrize("name", ["symbol", "side", "quantity", "timestamp", "other"])
def test_different_trades_without_ids_go_by_different_digests(name):
    others = {"symbol": "ETHUSDT", "side": "SELL", "quantity": "0.6", "timestamp": "1770135151"}
    other = TRADE | {name: others.get(name, "1")}
    assert normalise(ID, TRADE).identity != normalise(ID, other).identity


def test_empty_trace_ids_never_collapse_into_one():
    made = [TRADE | {"trace_id": "", "symbol": symbol} for symbol in ("BTCUSDT", "ETHUSDT")]
    made += [TRADE | {"trace_id": " ", "correlation_id": f"c-{n}"} for n in range(3)]
    identities = {normalise(ID, each).identity for each in made}
    assert len(identities) == len(made)
    assert all(identity.strip() for identity in identities)


@given(st.decimals(min_value="0.00000001", max_value="1000000", places=8))
def test_an_amount_loses_no_digit_on_its_way(amount):
    for said in (str(amount), f"{amount:f}"):
        read = normalise(ID, TRADE | {"quantity": said})
        assert isinstance(read, TradeIntent)
        assert read.quantity == amount
    read = normalise(ID, {"payload": json.dumps(TRADE).replace('"0.5"', f"{amount:f}")})
    assert read.quantity == amount
