"""One thing on many hosts: every answer is kept, and a defect is not taken for an answer."""

import threading

import pytest

from harness import fanout
from harness.contact import raise_together
from harness.errors import AgentError, DriftError, QuantumError


def test_answers_come_in_the_items_order_with_errors_beside_results():
    def work(item: int) -> int:
        if item == 2:
            raise QuantumError("no", host="two")
        return item * 10

    answers = fanout.each([1, 2, 3], work)
    assert [a.result for a in answers] == [10, None, 30]
    assert [str(e) for e in fanout.errors(answers)] == ["two: no"]
    assert fanout.results(answers) == [10, 30]


def test_hosts_are_worked_on_at_the_same_time():
    together = threading.Barrier(3, timeout=30)
    assert len(fanout.results(fanout.each([1, 2, 3], lambda _: together.wait() >= 0))) == 3


def test_a_defect_is_raised_after_the_others_have_ended():
    ended = []

    def work(item: int) -> None:
        if item == 1:
            raise ZeroDivisionError
        ended.append(item)

    with pytest.raises(ZeroDivisionError):
        fanout.each([1, 2, 3], work)
    assert sorted(ended) == [2, 3]


def test_the_worst_exit_code_speaks_for_several_failures_and_names_every_host():
    errors = [AgentError("disk", host="a"), DriftError("moved", host="b", action="look")]
    with pytest.raises(DriftError) as caught:
        raise_together(errors)
    assert "a: disk" in str(caught.value)
    assert "b: moved" in str(caught.value)
    assert caught.value.exit_code == 2
