from __future__ import annotations

import pytest

from proofs.finding import Verdict
from proofs.stays_up import check, gather

UNIT = {
    "active": "active", "sub": "running", "main_pid": 42, "restarts": 1, "invocation": "i1",
    "result": "success", "status_text": "reading",
}  # fmt: skip


def evidence(*later):
    looks = [{"a.service": dict(UNIT)}, *({"a.service": {**UNIT, **each}} for each in later)]
    return {"window_s": 3, "looks": looks}


def test_the_same_ready_process_throughout_is_proved_even_after_an_earlier_restart():
    assert check(evidence({}, {}, {})).verdict is Verdict.proved


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"restarts": 2}, "restarted: 1 -> 2"),
        ({"main_pid": 43}, "main_pid changed"),
        ({"invocation": "i2"}, "invocation changed"),
        ({"active": "activating"}, "is activating"),
        ({"active": "failed", "main_pid": 0, "result": "watchdog"}, "result watchdog"),
        ({"result": "watchdog"}, "after watchdog"),
    ],
)
def test_any_move_during_the_window_refutes(change, reason):
    finding = check(evidence({}, change))
    assert finding.verdict is Verdict.refuted
    assert reason in finding.reasons[0]


def test_a_unit_that_vanishes_refutes():
    seen = evidence({})
    seen["looks"].append({})
    assert check(seen).verdict is Verdict.refuted


def test_a_unit_that_was_never_up_refutes():
    seen = {"window_s": 3, "looks": [{"a": {**UNIT, "active": "inactive", "main_pid": 0}}] * 2}
    assert check(seen).verdict is Verdict.refuted


@pytest.mark.parametrize("looks", [[], [{"a.service": UNIT}], [{}, {}]])
def test_one_look_or_no_unit_shows_nothing(looks):
    assert check({"window_s": 3, "looks": looks}).verdict is Verdict.unknown


def test_the_agent_is_asked_over_the_whole_window(scene_of, clock):
    states = iter([UNIT, UNIT, UNIT, {**UNIT, "restarts": 5}])
    scene = scene_of(None, attest=lambda: {"units": {"a.service": next(states)}})
    assert check(gather(scene)).verdict is Verdict.refuted
    assert clock.at == pytest.approx(scene.window_s)
