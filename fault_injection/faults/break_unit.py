"""A unit's command ends at once with an error, however often it is started."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Put another command in the place of the unit's, and start it."""
    lines = ["[Service]", "ExecStart=", "ExecStart=/usr/bin/false"]
    unit = aim.target.unit
    return ({"do": "dropin", "unit": unit, "lines": lines, "restart": True, "anyhow": True},)


FAULT = Fault(
    name="break_unit",
    family="deploy",
    breaks=__doc__,
    words=steps,
    injected="a drop-in with another ExecStart, and a restart",
    observed="the drop-in counts, and the unit does not run",
    undone="the drop-in goes, failures are forgotten, and the unit starts",
    threatens=("stays_up", "lost", "recovery"),
    lasts_s=(10, 15),
)
