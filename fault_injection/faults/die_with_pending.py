"""A consumer of the group reads entries, dies without a word, and its claims grow stale."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Read as somebody who never comes back."""
    name = f"gone-{aim.chance.below(1_000_000):06d}"
    return aim.act("die_with_pending", consumer=name, count=aim.chance.between(10, 500))


FAULT = Fault(
    name="die_with_pending",
    family="groups",
    breaks=__doc__,
    words=acts,
    injected="XREADGROUP under a name without a heartbeat, and no XACK",
    observed="XPENDING tells the entries to be that consumer's",
    undone="nothing stays behind: a living peer claims them, then the name goes",
    threatens=("lost", "claims_from_the_dead", "conservation", "duplicated"),
    by=LAPTOP,
    # the idle time must pass before anybody may claim them
    lasts_s=(12, 18),
)
