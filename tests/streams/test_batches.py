"""Reading many entries at once says of each what reading it alone says."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fault_injection.workloads.apply_result import events
from streams import batches
from streams.apply_result import Said, normalise
from streams.batches import MINUTE_MS, tally
from streams.folding import fold, fold_tally

CASES = [json.loads(line) for line in Path(__file__).with_name("apply_result_cases.jsonl").open()]
ID_MS = 1766602892766


def raw(entry_id, fields):
    return entry_id, [word for pair in fields.items() for word in pair]


def one_by_one(entries):
    """Return what `tally` shall say, by normalise."""
    counts = Counter()
    for entry_id, words in entries:
        of = normalise(entry_id, dict(zip(words[::2], words[1::2], strict=True)))
        minute = of.time_ms // MINUTE_MS
        counts[minute, Said(of.decision, of.reason, of.symbol, of.unknown)] += 1
    return counts


def test_the_table_read_at_once_is_the_table_read_one_by_one():
    for case in CASES:
        entry = raw(case["id"], case["fields"])
        for _ in range(2):  # read, and looked up
            assert tally([entry]) == one_by_one([entry])


@pytest.mark.parametrize("size", [1, 7, 500])
def test_traffic_read_at_once_is_traffic_read_one_by_one(size):
    made = enumerate(events(11, 4_000, ID_MS))
    entries = [raw(f"{ID_MS + n}-0", fields) for n, fields in made]
    for first in range(0, len(entries), size):
        part = entries[first : first + size]
        assert tally(part) == one_by_one(part)


names = st.sampled_from(
    ["decision", "executed", "error", "reason", "timestamp", "symbol", "details", "other"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([1.0, 0.0, "1", "true"]),
    lambda inner: st.lists(inner) | st.dictionaries(names, inner),
)
words = st.sampled_from(["EXECUTE", " skip ", "none", "x:y", "nan", "1766602892", "true", "1", ""])
details = st.dictionaries(names, json_values).map(json.dumps)
ids = st.integers(0, 2 * ID_MS).map(lambda ms: f"{ms}-0") | st.just(f"{ID_MS}-0")
fields = st.lists(st.tuples(names, words | details | st.text()), max_size=9)


@given(st.lists(st.tuples(ids, fields), max_size=5))
def test_whatever_entries_hold_they_are_read_as_one_by_one(drawn):
    drawn.sort(key=lambda each: int(each[0].split("-")[0]))
    # a name may stand twice in an entry: the last one counts
    entries = [(entry_id, [word for pair in pairs for word in pair]) for entry_id, pairs in drawn]
    assert tally(entries) == one_by_one(entries)


@pytest.mark.parametrize("told", [True, 1, 1.0, "1", "true", None, False, 0, "0", [1], {"a": 1}])
def test_values_that_are_equal_and_written_differently_are_told_apart(told):
    """In Python 1 == True == 1.0: as keys of a cache they would be one."""
    for other in (1, True, 1.0, 0, False):
        for value in (other, told):
            entry = raw(f"{ID_MS}-0", {"details": json.dumps({"decision": value})})
            assert tally([entry]) == one_by_one([entry])


def test_no_more_shapes_and_sayings_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(batches, "_shapes", {})
    monkeypatch.setattr(batches, "SHAPES", 4)
    monkeypatch.setattr(batches, "SAYINGS", 4)
    entries = [raw(f"{ID_MS}-{n}", {"decision": f"d{n}", f"n{n % 9}": "x"}) for n in range(99)]
    assert tally(entries) == one_by_one(entries)
    assert len(batches._shapes) <= 4
    assert all(len(shape._said) <= 4 for shape in batches._shapes.values())


def test_a_long_text_is_read_and_not_kept(monkeypatch):
    monkeypatch.setattr(batches, "_shapes", {})
    entry = raw(f"{ID_MS}-0", {"error": "x" * 10_000})
    assert tally([entry]) == one_by_one([entry])
    assert [shape._said for shape in batches._shapes.values()] == [{}]


def test_a_tally_folds_as_its_events_do():
    entries = [raw(f"{ID_MS + n}-0", f) for n, f in enumerate(events(3, 500, ID_MS))]
    alone = [normalise(i, dict(zip(w[::2], w[1::2], strict=True))) for i, w in entries]
    for symbols in (True, False):
        assert fold_tally(tally(entries), symbols=symbols) == fold(alone, symbols=symbols)


def test_of_no_entries_there_is_nothing_to_tell():
    assert tally([]) == {}
