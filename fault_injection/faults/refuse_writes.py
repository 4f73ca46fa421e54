"""Redis reads and refuses to write, as one that has lost its replicas does."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, SET_BACK, SET_SO, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Ask for a replica that there is not."""
    return (aim.redis(config={"min-replicas-to-write": "1"}),)


FAULT = Fault(
    name="refuse_writes",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="CONFIG SET min-replicas-to-write 1",
    observed=SET_SO,
    undone=SET_BACK,
    threatens=("lost", "ack_after_effect", "recovery"),
    on=(REDIS,),
    needs=("redis settings",),
    lasts_s=(4, 12),
)
