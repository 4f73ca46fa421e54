"""Somebody changes a managed unit by hand: a drop-in of their own, or another mode of its file."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Change the one or the other, and start nothing anew."""
    unit, service = aim.target.unit, aim.target.service
    lines = ["[Service]", "Environment=CHANGED_BY_HAND=yes"]
    return aim.chance.one_of((
        ({"do": "dropin", "unit": unit, "lines": lines},),
        ({"do": "mode", "path": f"/etc/quantum/{service}.env", "mode": 0o600},),
    ))  # fmt: skip


FAULT = Fault(
    name="drift_by_hand",
    family="deploy",
    breaks=__doc__,
    words=steps,
    injected="a drop-in below /run, or chmod of the env file",
    observed="systemd counts the drop-in, or the file has that mode",
    undone="the drop-in goes, or the mode goes back if ours is still there",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "rollback_restores"),
    lasts_s=(15, 25),
)
