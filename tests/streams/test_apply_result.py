"""The normaliser: a table of cases, totality, agreement with a second reading of the contract."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_injection.workloads.apply_result import events
from streams.apply_result import DECISIONS, normalise
from streams.folding import MINUTE_MS, fold
from streams.keys import minute_name
from tests.independent_fold import buckets_of

CASES = [json.loads(line) for line in Path(__file__).with_name("apply_result_cases.jsonl").open()]
ID = "1766602892766-0"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['id'][-6:]} {case.get('why', '')}")
def test_an_entry_is_read_as_the_table_says(case):
    result = normalise(case["id"], case["fields"])
    assert {
        "decision": result.decision,
        "reason": result.reason,
        "symbol": result.symbol,
        "minute": minute_name(result.time_ms // MINUTE_MS),
        "raw_unknown": result.unknown,
    } == case["expect"]


names = st.sampled_from(
    ["decision", "executed", "error", "reason", "timestamp", "symbol", "details", "other"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner),
)
words = st.sampled_from(
    ["EXECUTE", " skip ", "none", "NULL", "_1/2", ":", "nan", "1766602892", "true"]
)
values = st.text() | words | json_values.map(json.dumps)


def check(result):
    decision, reason, time_ms, symbol, unknown = result
    assert decision in DECISIONS
    assert reason
    assert len(reason) <= 64
    assert reason.isascii()
    assert len(minute_name(time_ms // MINUTE_MS)) == 12
    assert symbol is None or 1 <= len(symbol) <= 32
    assert unknown is None or 1 <= len(unknown) <= 64
    assert unknown is None or unknown.encode()
    assert fold([result]).buckets


@given(st.text() | st.from_regex(r"[0-9]{1,20}-[0-9]{1,20}"), st.dictionaries(names, values))
def test_whatever_text_an_entry_holds_there_is_an_answer(entry_id, fields):
    check(normalise(entry_id, fields))
    assert normalise(entry_id, fields) == normalise(entry_id, fields)


@given(st.dictionaries(names, json_values | st.binary()))
def test_whatever_a_client_makes_of_the_fields_there_is_an_answer(fields):
    check(normalise(ID, fields))


def test_a_redelivered_entry_lands_in_the_same_minute():
    fields = {"decision": "SKIP", "timestamp": "garbage"}
    assert normalise(ID, fields) == normalise(ID, fields)
    assert normalise(ID, fields).time_ms == 1766602892766


@pytest.mark.parametrize("seed", range(5))
def test_generated_traffic_folds_as_the_second_reading_says(seed):
    entries = [
        (f"{1766602892766 + n}-0", fields)
        for n, fields in enumerate(events(seed, 2_000, 1766602892766))
    ]
    assert fold(normalise(*each) for each in entries).buckets == buckets_of(entries)


def test_the_table_folds_as_the_second_reading_says():
    odd = {"an entry of the epoch", "an id beyond the calendar"}
    entries = [(case["id"], case["fields"]) for case in CASES if case.get("why") not in odd]
    for each in entries:
        assert fold([normalise(*each)]).buckets == buckets_of([each]), each
