"""Entries come that nobody can read: cut short, without symbol, side, size or time."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, ROUTER, Aim, Fault, Words
from fault_injection.workloads.decision_made import BROKEN


def acts(aim: Aim) -> Words:
    """Add some that are broken in several ways."""
    hows = sorted(aim.chance.shuffled(BROKEN)[: aim.chance.between(2, len(BROKEN))])
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
    on=(ROUTER,),
    by=LAPTOP,
)
