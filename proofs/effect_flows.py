"""Claim: an event that goes in comes out as its effect, once, within the deadline.

A canary is added to the service's stream, made for this run alone, and its effect is watched.

Decision intelligence: a SKIP with a reason of its own raises its own field in its minute's bucket
from nothing to one and shows in the five-minute window. The router: a decision of an unreal symbol
comes out as one trade.intent under the same identity, marked as a canary. Execution: an intent
marked as a canary ends DRAINED, with one execution.result and no order at any exchange.

What a canary leaves behind stays where it is and is named in the evidence: taking it away would
break the conservation that nothing_lost_nothing_doubled checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs import by_service
from proofs.finding import Finding
from proofs.scene import Scene

#: service -> what its effect is
PARTS: by_service.Parts = {
    "p35-decision-intelligence": "proofs.effects.counted",
    "ai-strategy-router": "proofs.effects.routed",
    "execution": "proofs.effects.ended",
}


def gather(scene: Scene) -> dict[str, Any]:
    """Send the service's canary where that is allowed, and watch for its effect."""
    return by_service.gather(PARTS, scene)


def check(evidence: Mapping[str, Any]) -> Finding:
    """Judge the canary's way from the stream to its effect and its acknowledgement."""
    return by_service.check(PARTS, evidence)
