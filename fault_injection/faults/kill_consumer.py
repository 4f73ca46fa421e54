"""A consumer is killed wherever it is: SIGKILL to its main process, or to all of its processes."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Kill the unit."""
    every = aim.chance.one_of((False, True))
    return ({"do": "kill", "unit": aim.target.unit, "signal": "KILL", "all": every},)


FAULT = Fault(
    name="kill_consumer",
    family="consumer",
    breaks=__doc__,
    words=steps,
    injected="SIGKILL by pid and start time",
    observed="the recorded processes are gone",
    undone="systemd starts it again; a unit that stays down is started",
    threatens=("lost", "duplicated", "conservation", "ack_after_effect"),
)
