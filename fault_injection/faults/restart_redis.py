"""Redis is ended in good order and starts again: every connection breaks, replies are lost."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Stop the server; it comes back with the undo."""
    return ({"do": "held", "unit": aim.target.unit},)


FAULT = Fault(
    name="restart_redis",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="systemctl stop, for some seconds",
    observed="it is not active, and has no process",
    undone="systemctl start",
    threatens=("lost", "duplicated", "recovery"),
    on=(REDIS,),
    lasts_s=(2, 10),
    ends_watch=True,
)
