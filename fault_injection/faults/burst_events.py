"""Many times more events come at once than in the steady state."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Add many events as fast as it goes."""
    return aim.act("burst", count=1_000 * aim.chance.between(2, 10))


FAULT = Fault(
    name="burst_events",
    family="events",
    breaks=__doc__,
    words=acts,
    injected="XADD of thousands of events in a row",
    observed="lag rises above that of the steady state",
    undone="nothing stays behind: the lag is worked off",
    threatens=("lost", "recovery", "latency"),
    by=LAPTOP,
)
