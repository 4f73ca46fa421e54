"""The normaliser of decisions: a table of cases, totality, and the intents that they become."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import trade_intent
from streams.decision_made import Decision, intent_fields, normalise
from streams.trade_intent import Malformed, TradeIntent
from tests.streams.test_trade_intent import fields
from tests.streams.trade_cases import differences, table

ID = "1770135150500-0"
CASES = table("decision_made")
ALIKE = [name for name in Decision._fields if name in TradeIntent._fields]
PAYLOAD = {"symbol": "BTCUSDT", "side": "buy", "quantity": 200.0, "entry_price": 97000.5}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_a_decision_is_read_as_the_table_says(case):
    assert differences(normalise(case["id"], case["fields"]), case["expect"]) == {}


@given(st.text() | st.from_regex(r"[0-9]{1,20}-[0-9]{1,20}"), fields)
def test_whatever_an_entry_holds_there_is_an_answer_and_always_the_same(entry_id, given_fields):
    read = normalise(entry_id, given_fields)
    assert read.identity
    assert isinstance(read, Malformed | Decision)
    assert normalise(entry_id, given_fields) == read
    if isinstance(read, Decision):
        becomes_an_intent(read)


def becomes_an_intent(decision):
    """The intent says the same, and goes by the decision's identity."""
    written = intent_fields(decision)
    assert all(isinstance(text, str) for text in written.values())
    intent = trade_intent.normalise(ID, written)
    assert isinstance(intent, TradeIntent), intent
    assert intent.identity == intent.trace_id == decision.identity
    for name in set(ALIKE) - {"identity", "trace_id", "reduce_only"}:
        assert getattr(intent, name) == getattr(decision, name), name
    assert intent.reduce_only == bool(decision.reduce_only)
    assert intent.quantity is None


@pytest.mark.parametrize(
    "case", [case for case in CASES if "malformed" not in case["expect"]], ids=lambda c: c["why"]
)
def test_a_decision_becomes_an_intent_that_says_the_same(case):
    becomes_an_intent(normalise(case["id"], case["fields"]))


def test_a_quantity_in_usd_never_becomes_a_quantity_of_coins():
    decision = normalise(ID, {"payload": json.dumps(PAYLOAD), "timestamp": "1770135150"})
    payload = json.loads(intent_fields(decision)["payload"])
    assert payload["position_size_usd"] == "200.0"
    assert not {"quantity", "qty", "size"} & payload.keys()


def test_what_is_carried_along_reaches_the_intent():
    said = PAYLOAD | {"confidence": 0.72, "model": "ensemble", "regime": "trend", "secret": "x"}
    decision = normalise(ID, {"payload": json.dumps(said), "timestamp": "1770135150"})
    payload = json.loads(intent_fields(decision)["payload"])
    assert (payload["confidence"], payload["model"], payload["regime"]) == (
        "0.72",
        "ensemble",
        "trend",
    )
    assert "secret" not in payload
