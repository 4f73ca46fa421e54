"""Redis has reached its memory's limit and refuses what would need more."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, SET_BACK, SET_SO, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Set a limit that is passed already; nothing may be evicted."""
    return (aim.redis(config={"maxmemory": "1mb", "maxmemory-policy": "noeviction"}),)


FAULT = Fault(
    name="fill_redis",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="CONFIG SET maxmemory below what is used",
    observed=SET_SO,
    undone=SET_BACK,
    threatens=("lost", "ack_after_effect", "recovery"),
    on=(REDIS,),
    needs=("redis settings",),
    lasts_s=(4, 12),
)
