"""Redis keeps clients waiting: all of them, or those that write."""

from __future__ import annotations

from fault_injection.faults.fault import REDIS, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Pause it for as long as the fault lasts."""
    what = aim.chance.one_of(("write", "all"))
    return (aim.redis(pause={"ms": aim.lasts_ms, "what": what}),)


FAULT = Fault(
    name="pause_redis",
    family="redis",
    breaks=__doc__,
    words=steps,
    injected="CLIENT PAUSE",
    observed="a word that counts as a write has no answer",
    undone="CLIENT UNPAUSE, or the pause's own end",
    threatens=("duplicated", "claims_from_the_dead", "latency", "recovery"),
    on=(REDIS,),
    needs=("redis settings",),
    lasts_s=(4, 12),
)
