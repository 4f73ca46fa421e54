"""Claim: every settled event has its effect exactly once, whatever died on the way.

Counts lie, ids do not: an entry at or below the group's last delivered id that is not pending is
settled, and each settled one must be found again in the effects.

Decision intelligence: the fold of the settled entries by minute, decision and reason must equal the
buckets, field for field. The router: each identity has one intent, the one that its key names, or a
REJECTED record; what could not be read is a dead letter. Execution: each identity has a record in a
terminal state and one execution.result that says the same; UNKNOWN is named and never a pass.

What was trimmed away, or is older than the effects live, is left out and named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs import by_service
from proofs.finding import Finding
from proofs.scene import Scene

#: service -> how its settled entries are found again
PARTS: by_service.Parts = {
    "p35-decision-intelligence": "proofs.accounts.counted",
    "ai-strategy-router": "proofs.accounts.routed",
    "execution": "proofs.accounts.ended",
}


def gather(scene: Scene) -> dict[str, Any]:
    """Return what is settled and what its effects are, as of one moment."""
    return by_service.gather(PARTS, scene)


def check(evidence: Mapping[str, Any]) -> Finding:
    """Compare the two."""
    return by_service.check(PARTS, evidence)
