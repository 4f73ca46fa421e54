"""The lines of the terminal, the numbers of a day, and their comparison with another day."""

import json

import pytest

from fault_injection.report import compared, summary, told
from fault_injection.report.wording import cut, lasted, listed, many, moment, number


def lines(shown, previous=None):
    return told(shown.history, shown.judgement, shown.schedule, previous)


def test_the_verdict_comes_first_then_what_was_no_test_then_what_does_not_hold(ill):
    said = lines(ill)
    assert said[0].startswith("Refuted: seed 7 on lab ran ")
    assert said[1].startswith("no test: kill_consumer (2) ")
    assert said[1].endswith("injected, never observed")
    assert said[2].endswith("observed, never seen gone")
    assert any(each.startswith("refuted  lost: ") for each in said)
    assert any(each.startswith("unknown  not_vacuous: ") for each in said)
    assert any(each.startswith("not asked, since no flow gathers it: ") for each in said)
    assert not any("\n" in each for each in said)


def test_a_good_day_is_told_with_its_recovery_and_latency(well):
    said = lines(well)
    assert said[0].startswith("Proved: ")
    assert not [each for each in said if each.startswith(("no test", "refuted", "unknown"))]
    assert any(each.startswith("recovery: ") and "more, none slower" in each for each in said)
    assert any("its effect was there, during: p50 " in each for each in said)


def test_a_summary_is_json_and_the_same_day_differs_in_nothing(well):
    numbers = summary(well.history, well.judgement)
    again = json.loads(json.dumps(numbers))
    assert again == numbers
    assert {each.change for each in compared(numbers, again)} <= {"", "the same"}
    assert lines(well, again)[-1] == "since the day before: nothing is better or worse"


def test_a_worse_day_is_told_as_worse_and_back_as_better(well, ill):
    good, bad = (summary(each.history, each.judgement) for each in (well, ill))
    worse = {each.what: each for each in compared(bad, good)}
    better = {each.what: each for each in compared(good, bad)}
    for what in ("verdict", "lost", "doubled", "check lost", "check not_vacuous"):
        assert worse[what].change == "worse", what
        assert better[what].change == "better", what
    assert (worse["lost"].before, worse["lost"].now) == ("0", "2")
    assert worse["slowest recovery"].now == "not measured"
    assert worse["faults observed"].change == ""
    assert "since the day before: lost 0 -> 2, worse" in lines(ill, good)


ODD = {"format": 1, "verdict": [], "checks": 3, "latency": "x", "lost": "", "operations": None}


@pytest.mark.parametrize("broken", [{}, {"format": 1}, ODD])
def test_a_summary_of_another_shape_does_no_harm(well, broken):
    numbers = summary(well.history, well.judgement)
    rows = compared(numbers, broken)
    assert all(each.change in {"", "the same"} for each in rows)
    assert bool(rows) == bool(broken)


def test_numbers_and_times_are_told_as_people_read_them():
    times = (0, 120_000_000, 3_200_000_000, 250 * 10**9, 3700 * 10**9)
    assert [lasted(each) for each in times] == [
        "0 ms", "120 ms", "3.2 s", "4 min 10 s", "1 h 1 min",
    ]  # fmt: skip
    assert [number(each) for each in (0, 12345, 1.234, 66.93, 1234.5)] == [
        "0", "12,345", "1.23", "66.9", "1,234",
    ]  # fmt: skip
    clocks = [moment(each * 10**9) for each in (5, 65, 3605, -5)]
    assert clocks == ["0:05", "1:05", "1:00:05", "-0:05"]
    assert moment(1_234 * 10**6, 10**8) == "0:01.2"
    assert (many(1, "entry", "entries"), many(1000, "byte")) == ("1 entry", "1,000 bytes")
    assert [listed(each, 2) for each in ("", "a", "ab", "aab", "abcd")] == [
        "", "a", "a and b", "a and b", "a, b and 2 more",
    ]  # fmt: skip
    assert cut("a\nb\u202ec" + "x" * 500, 6) == "a b c\u2026"
