"""The releases are closed to every user but root, so that what starts there cannot be read."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Take every right from the folder."""
    del aim
    return ({"do": "mode", "path": "/opt/quantum/releases", "mode": 0},)


FAULT = Fault(
    name="flip_permission",
    family="host",
    breaks=__doc__,
    words=steps,
    injected="chmod 0",
    observed="the folder has that mode",
    undone="chmod to what it was, if ours is still there",
    threatens=("stays_up", "lost", "recovery"),
    needs=("own users",),
    lasts_s=(8, 14),
)
