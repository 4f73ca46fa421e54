"""Entries come that nobody can read: cut JSON, no symbol, no size, no time, not a number."""

from __future__ import annotations

from fault_injection.faults.fault import EXECUTION, LAPTOP, ROUTER, Aim, Fault, Words

HOWS = ("cut json", "no symbol", "no side", "no size", "no time", "not a number", "huge field")


def acts(aim: Aim) -> Words:
    """Add some that are broken in several ways."""
    hows = sorted(aim.chance.shuffled(HOWS)[: aim.chance.between(2, len(HOWS))])
    return aim.act("poison", count=aim.chance.between(5, 50), hows=hows)


FAULT = Fault(
    name="poison_events",
    family="events",
    breaks=__doc__,
    words=acts,
    injected="XADD of entries that are broken on purpose",
    observed="each of them is among the dead letters, with a reason",
    undone="nothing stays behind but the dead letters",
    threatens=("dead_letters", "conservation", "recovery"),
    on=(ROUTER, EXECUTION),
    by=LAPTOP,
)
