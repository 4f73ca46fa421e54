"""Redis is killed with SIGKILL and starts again from its append-only file."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Kill the server."""
    return ({"do": "kill", "unit": aim.target.unit, "signal": "KILL"},)


FAULT = Fault(
    name="kill_redis",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="SIGKILL by pid and start time",
    observed="the recorded process is gone",
    undone="it is started again, if systemd has not done so",
    threatens=("lost", "duplicated", "conservation", "recovery"),
    on=(REDIS,),
    ends_watch=True,
)
