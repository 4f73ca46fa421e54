"""Hands and their threads: what is not gone yet never keeps others from being undone."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from fault_injection.faults import kill_consumer, restart_redis
from fault_injection.faults.fault import AGENT
from fault_injection.history.happenings import (
    ARMED,
    DISARMED,
    GONE,
    INJECTED,
    OBSERVED,
    UNDONE,
    Fault,
    Process,
)
from fault_injection.runs import hands
from fault_injection.runs.hands import AgentHand
from fault_injection.runs.workers import AGAIN, Worker
from fault_injection.schedules.schedule import Planned
from harness.errors import AgentError, InDoubtError, LockedError
from tests.waiting import until

KILLED = Planned(
    number=1, scenario="consumers_killed", fault=kill_consumer.FAULT.name, by=AGENT, host="box",
    unit="quantum-execution@1.service", at_ms=0, undo_at_ms=1, ttl_s=60, words=(),
)  # fmt: skip
HELD = replace(KILLED, number=2, fault=restart_redis.FAULT.name, unit="redis-server.service")


class Host:
    """A session with a host on which what was killed comes up once Redis is back."""

    def __init__(self) -> None:
        self.undone: list[str] = []
        self.forgets = self.cut_off = False
        self.down = ""  #: how a host says that a unit is not up

    def fault_arm(self, name, words, **_):
        del words
        if self.cut_off:
            raise InDoubtError("no answer")
        if self.down and name == "run-2":
            raise (LockedError if "switch" in self.down else AgentError)(self.down)
        return {"observed": [{"on": True}]}

    def fault_observe(self, name):
        del name
        return {"observed": [{"restarts": 1}]}

    def fault_undo(self, name, **_):
        if self.forgets:
            raise AgentError(f"no fault {name!r} on this host")
        self.undone.append(name)
        return {"observed": [{"gone": name == "run-2" or "run-2" in self.undone}]}


@pytest.fixture
def hand():
    host, written = Host(), []
    system = SimpleNamespace(
        mode="sandbox", operator={}, inventory="box",
        reach=lambda _: SimpleNamespace(session=host, close=lambda: None),
    )  # fmt: skip
    made = AgentHand("run", "box", system, lambda *said: written.extend(said))
    made.host, made.written = host, written
    return made


def test_a_consumer_that_waits_for_redis_does_not_keep_redis_away(hand):
    worker = Worker("box")
    for planned in (KILLED, HELD):
        worker.give(partial(hand.inject, planned))
    for planned in (KILLED, HELD):
        worker.give(partial(hand.undo, planned))
    worker.end()
    over = [each.fault for each in hand.written if getattr(each, "stage", "") == DISARMED]
    assert over == ["2", "1"]


def test_what_is_never_gone_is_told_once_its_time_is_over(hand, monkeypatch):
    monkeypatch.setattr(hands, "GONE_WITHIN_S", 0.0)
    hand.inject(KILLED)
    assert hand.undo(KILLED) is AGAIN
    assert hand.undo(KILLED) is None
    told = [each for each in hand.written if isinstance(each, Process)]
    assert [(each.did, "still seen" in each.said) for each in told] == [("not gone", True)]
    assert not [each for each in hand.written if getattr(each, "stage", "") == DISARMED]


@pytest.mark.parametrize(
    "down",
    [
        "it has no main process",
        "redis-server.service is failed: there is nothing to do",
        "the dead man's switch holds this host",
    ],
)
def test_who_is_down_is_waited_for_and_its_undo_with_it(hand, down):
    hand.host.down = down
    assert hand.inject(HELD) is AGAIN
    assert hand.undo(HELD) is AGAIN
    hand.host.down = ""
    assert hand.inject(HELD) is None
    assert hand.undo(HELD) is None
    stages = [each.stage for each in hand.written if isinstance(each, Fault)]
    assert stages == [ARMED, INJECTED, OBSERVED, UNDONE, GONE, DISARMED]


def test_who_never_comes_up_is_not_injected_and_its_undo_has_nothing_to_do(hand, monkeypatch):
    hand.host.down = "it has no main process"
    monkeypatch.setattr(hands, "UP_WITHIN_S", 0.0)
    assert hand.inject(HELD) is AGAIN
    assert hand.inject(HELD) is None
    assert hand.undo(HELD) is None
    (told,) = hand.written
    assert told.did == "not injected"


def test_what_a_host_undid_and_has_forgotten_is_gone_if_it_was_seen(hand):
    hand.inject(KILLED)
    hand.host.forgets = True
    assert hand.undo(KILLED) is None
    assert hand.written[-2].stage == GONE
    assert "by itself" in hand.written[-2].said


def test_what_a_host_never_heard_of_was_not_injected(hand):
    hand.host.cut_off = True
    assert hand.inject(KILLED) is None
    hand.host.forgets = True
    assert hand.undo(KILLED) is None
    assert {each.did for each in hand.written} == {"not injected"}


def test_what_is_refused_for_another_reason_is_not_tried_again(hand):
    hand.host.down = "it is not allowed here"
    assert hand.inject(HELD) is None
    assert [each.did for each in hand.written] == ["not injected"]


def test_a_task_that_goes_on_later_lets_the_next_one_pass_and_comes_to_its_end():
    worker, passed, tries = Worker("w"), threading.Event(), []

    def waits():
        tries.append(1)
        return None if passed.is_set() else AGAIN

    worker.give(waits)
    assert not worker.idle
    worker.give(passed.set)
    until(lambda: worker.idle, 30)
    worker.give(waits)
    worker.end()  # also what goes on is done before
    assert passed.is_set()


def test_what_goes_wrong_ends_it_and_is_raised():
    worker = Worker("w")
    worker.give(lambda: AGAIN)
    worker.give(lambda: 1 // 0)
    until(lambda: worker.idle, 30)
    with pytest.raises(ZeroDivisionError):
        worker.end()
