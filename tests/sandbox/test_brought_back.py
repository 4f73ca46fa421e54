"""What an undo stopped runs again afterwards, also where its start limit would not have it."""

from harness.agent import settling
from harness.agent.machine import Machine
from tests.sandbox.boxes import NAME

WAS_UP = {"name": NAME, "active": "active", "invocation": "", "wait_s": 20.0}


def test_a_unit_that_was_started_too_often_for_its_limit_is_brought_back(box):
    box.unit(unit="StartLimitIntervalSec=1h\nStartLimitBurst=2")
    for _ in range(2):
        assert box.do("start") == {"ok": True}
        box.do("stop")
    machine = Machine(str(box.root), box.agent)
    assert settling.bring_back(machine, [WAS_UP], ()) == []
    assert box.show()["active"] == "active"


def test_one_that_fails_of_its_own_is_tried_once_and_told(box):
    box.unit("exit=1", unit="StartLimitIntervalSec=1h\nStartLimitBurst=2")
    machine = Machine(str(box.root), box.agent)
    (problem,) = settling.bring_back(machine, [WAS_UP], ())
    assert "exit code 1" in problem
    assert box.show()["restarts"] == 0
