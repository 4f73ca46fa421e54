"""Sums: by minute, by window, the top fifty."""

from streams import keys, windows
from streams.apply_result import ApplyResult
from streams.folding import fold


def event(decision="SKIP", reason="none", time_ms=0, symbol="BTC", unknown=None):
    return ApplyResult(decision, reason, time_ms, symbol, unknown)


def test_a_fold_counts_decisions_reasons_and_symbols_by_minute():
    added = fold([event(), event("BLOCKED", "x", 59_999), event(time_ms=60_000, symbol=None)])
    assert added.buckets == {
        "197001010000": {
            "decision:SKIP": 1, "decision:BLOCKED": 1, "reason:none": 1, "reason:x": 1,
            "symbol_reason:BTC:none": 1, "symbol_reason:BTC:x": 1,
        },
        "197001010001": {"decision:SKIP": 1, "reason:none": 1},
    }  # fmt: skip


def test_a_fold_puts_what_must_find_room_first():
    fields = list(fold([event(reason="x"), event("BLOCKED", "y")]).buckets["197001010000"])
    assert [name.partition(":")[0] for name in fields] == [
        "decision", "decision", "reason", "reason", "symbol_reason", "symbol_reason",
    ]  # fmt: skip


def test_without_the_breakdown_no_symbol_is_counted():
    assert list(fold([event()], symbols=False).buckets["197001010000"]) == [
        "decision:SKIP",
        "reason:none",
    ]


def test_words_not_understood_are_counted_raw():
    assert fold([event(unknown="HOLD"), event(unknown="HOLD"), event()]).unknown == {"HOLD": 2}


def test_an_empty_fold_has_nothing():
    assert fold([]).buckets == {}


def test_a_window_ends_with_the_current_minute():
    now_ms = 1766602892766
    assert windows.minutes_of(1, now_ms) == ["202512241901"]
    assert windows.minutes_of(5, now_ms) == [f"20251224{m}" for m in (1901, 1900, 1859, 1858, 1857)]
    assert len(windows.minutes_of(60, now_ms)) == 60


def test_a_window_begins_no_earlier_than_time_does():
    assert windows.minutes_of(5, 61_000) == ["197001010001", "197001010000"]


def test_buckets_sum_field_by_field():
    assert windows.summed([{"a": 1, "b": 2}, {"b": 3}, {}]) == {"a": 1, "b": 5}


def test_decisions_and_reasons_are_told_apart_from_symbols():
    fields = {"decision:SKIP": 2, "reason:x": 3, "symbol_reason:B:x": 4, "overflow": 5}
    assert windows.decisions(fields) == {"SKIP": 2}
    assert windows.top_reasons(fields) == {"x": 3}


def test_the_top_is_fifty_and_ties_break_by_name():
    fields = {f"reason:r{n:03}": 7 for n in range(80)} | {"reason:zz": 9}
    assert list(windows.top_reasons(fields)) == ["zz", *[f"r{n:03}" for n in range(49)]]


def test_a_minute_beyond_the_calendar_is_held_inside_it():
    assert keys.minute_name(10**15) == "999912312359"
    assert keys.minute_name(-5) == "197001010000"
