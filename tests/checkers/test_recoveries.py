"""A day of two scenarios, made by hand: each has to come back, and to what is usual in it."""

import pytest

from fault_injection.checkers import judge_one
from fault_injection.history import happenings as h
from fault_injection.history.reading import history_of
from tests.checkers.editing import written
from tests.checkers.two_scenarios import WITHIN_S, S, day


def recovery(**waits):
    return judge_one("recovery", history_of(written(day(**waits))))


def test_each_scenario_comes_back_to_what_is_usual_in_it():
    assert recovery(light=1, after_light=1, heavy=50, after_heavy=40).verdict.name == "proved"
    assert recovery(light=50, after_light=40, heavy=1, after_heavy=1).verdict.name == "proved"


def test_what_is_usual_in_a_heavy_scenario_is_too_much_in_a_light_one():
    found = recovery(light=50, after_light=40, heavy=1, after_heavy=40)
    assert found.verdict.name == "refuted"
    assert found.numbers["not_back"] == ["some after kill (1)"]


def test_a_scenario_that_never_came_back_is_not_covered_up_by_the_next_one():
    found = recovery(light=1, after_light=9, heavy=9, after_heavy=1)
    assert found.verdict.name == "refuted"
    assert found.numbers["not_back"] == ["some after kill (0)"]
    assert found.reasons == (f"some after kill (0): not back in {WITHIN_S} s: lag 9, pending 0",)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_scenario_without_a_look_before_its_faults_tells_nothing(gone):
    blind = (range(20), range(100, 120))[gone]
    lines = [
        each for each in day(light=1, after_light=1, heavy=1, after_heavy=1)
        if not (isinstance(each, h.Sample) and each.wall_ns // S in blind)
    ]  # fmt: skip
    assert judge_one("recovery", history_of(written(lines))).verdict.name == "unknown"
