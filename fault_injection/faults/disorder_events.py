"""Events are held back and come after later ones."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Hold a share of the events back for a while."""
    percent, back_ms = aim.chance.between(5, 40), aim.chance.between(200, 3_000)
    return aim.act("disorder", percent=percent, back_ms=back_ms)


FAULT = Fault(
    name="disorder_events",
    family="events",
    breaks=__doc__,
    words=acts,
    injected="a share of the events is produced later than the events that follow it",
    observed="an entry's own time lies before that of the entry before it",
    undone="nothing stays behind: what was held back is produced",
    threatens=("bucket_totals", "lost"),
    by=LAPTOP,
)
