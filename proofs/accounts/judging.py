"""Say what all accounts have in common: what cannot be judged, and what the sentence says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proofs.finding import Finding


def unreadable(evidence: Mapping[str, Any]) -> Finding | None:
    """Return why nothing can be said, None where something can."""
    group = evidence["place"]["group"]
    if group is None:
        return Finding.refuted(f"{evidence['stream']} has no group {evidence['wanted']}")
    if group["pending"] != evidence["pending"]:
        return Finding.unknown(f"{group['pending']} entries are pending, too many to tell apart")
    if evidence["moved"]:
        return Finding.unknown(f"the group was moved, so ids tell nothing: {evidence['moved']}")
    return None


def judged(
    proved: str,
    refuted: Iterable[str],
    unknown: Iterable[str],
    notes: Iterable[str],
    numbers: Mapping[str, object],
) -> Finding:
    """Return the worst that was found; nothing at all that was settled proves nothing."""
    if wrong := tuple(refuted):
        return Finding.refuted(*wrong, **numbers)
    if doubts := tuple(unknown):
        return Finding.unknown(*doubts, **numbers)
    if not numbers["settled"]:
        return Finding.unknown("nothing was settled that could be found again", **numbers)
    return Finding.proved(proved, *notes, **numbers)
