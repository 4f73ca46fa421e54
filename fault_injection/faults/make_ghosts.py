"""A group has hundreds of consumers that nobody is: names without a heartbeat and without work."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Create the names."""
    return aim.act("make_ghosts", count=100 * aim.chance.between(3, 10))


FAULT = Fault(
    name="make_ghosts",
    family="groups",
    breaks=__doc__,
    words=acts,
    injected="XGROUP CREATECONSUMER, hundreds of times",
    observed="XINFO CONSUMERS tells them",
    undone="nothing stays behind: the living take them out, and no pending entry with them",
    threatens=("recovery", "claims_from_the_dead", "conservation"),
    by=LAPTOP,
    lasts_s=(12, 18),
)
