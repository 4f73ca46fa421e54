"""Entries are taken from the dead alone: the owner's heartbeat is gone, the entry is idle enough.

min-idle looks at the entry and not at its consumer; slow but living ones must keep their work.
"""

from __future__ import annotations

from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import CLAIMED, CLAIMS, DELIVERIES, Delivery
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Look at every claim."""
    flows = {flow.flow: flow for flow in history.flows(DELIVERIES, CLAIMS)}
    if not flows:
        return None
    deliveries = [each for each in history.of(Delivery) if each.flow in flows]
    claims = [each for each in deliveries if each.how == CLAIMED]
    living = {each.entry for each in claims if each.owner_lives and each.owner != each.consumer}
    hasty = {each.entry for each in claims if each.idle_ms < flows[each.flow].claim_idle_ms}
    why = [f"taken from the living: {named(living)}"] if living else []
    why += [f"taken before they were idle long enough: {named(hasty)}"] if hasty else []
    if why:
        return Finding.refuted(*why, claims=len(claims), identities=kept(living | hasty))
    if not deliveries and not history.flows(CLAIMS):
        return Finding.unknown("no delivery was seen")
    return Finding.proved(f"{len(claims)} claims, all from the dead", claims=len(claims))
