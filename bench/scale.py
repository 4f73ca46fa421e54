"""How much is measured: all of it, or just enough to see that each part works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes of one run of the bench."""

    rounds: int  #: of which the median counts
    entries: int  #: of one run of what is fast
    few: int  #: of one run of what takes each entry by itself
    intents: int  #: of one run of router or execution
    flow_s: float  #: how long entries come at a steady rate
    snapshots: int  #: how many are taken in a round
    minutes: int  #: of the day whose keys are weighed


FULL = Scale(
    rounds=3, entries=200_000, few=3_000, intents=10_000, flow_s=4.0, snapshots=30, minutes=1_440
)
QUICK = Scale(rounds=1, entries=10_000, few=300, intents=2_000, flow_s=1.0, snapshots=3, minutes=20)
