"""Gather a run's evidence from Redis: where all stood before, samples, and what the end shows.

Nothing here is taken from what a workload did: entries, effects and ends are read again, so that
another process can do it for a harness that died.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fault_injection.faults.fault import DECISION_INTELLIGENCE, EXECUTION, ROUTER
from fault_injection.gathering import counted, ending, executed, opening, routed, sampling
from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.service import Service
from fault_injection.gathering.watching import Watch
from fault_injection.history.happenings import (
    EFFECTS,
    ENDS,
    LAG,
    POSITIONS,
    SUMS,
    Flow,
    Happening,
    Produced,
)
from proofs.folding import decoded
from streams.ids import ZERO

__all__ = ["Opened", "Place", "Watch", "ended", "evidence", "flow", "identified", "opened",
           "produced", "sampled"]  # fmt: skip

#: service -> what knows it
SERVICES: Mapping[str, Service] = {
    DECISION_INTELLIGENCE: counted,
    ROUTER: routed,
    EXECUTION: executed,
}


def opened(client: Any, place: Place) -> Opened:
    """Read how all stands as a run begins; redis-py's errors pass through."""
    return opening.opened(client, place, SERVICES[place.flow])


def evidence(place: Place) -> tuple[str, ...]:
    """Return what the end and the samples together show."""
    if place.flow == DECISION_INTELLIGENCE:
        return (SUMS, POSITIONS, LAG)
    if place.flow == ROUTER:
        return (EFFECTS, POSITIONS, LAG)
    return (*((EFFECTS,) if place.trades else ()), ENDS, POSITIONS, LAG)


def flow(place: Place, *more: str, fed_by_others: bool = False) -> Flow:
    """Return the flow's line; more: what is gathered beside `evidence`."""
    return Flow(
        flow=place.flow,
        stream=place.stream,
        group=place.group,
        evidence=(*evidence(place), *more),
        fed_by_others=fed_by_others,
        claim_idle_ms=place.claim_idle_ms,
    )


def produced(place: Place, entry: str, fields: Mapping[Any, Any]) -> Produced:
    """Say what an entry is, by the consumers' own words. Pure; never raises."""
    return SERVICES[place.flow].produced(place, entry, decoded(fields))


def identified(place: Place, fields: Mapping[Any, Any]) -> tuple[str, str, str]:
    """Return identity, digest and key of what is about to be produced. Pure; never raises."""
    said = produced(place, ZERO, fields)
    return said.identity, said.digest, said.key


def ended(client: Any, place: Place, opened: Opened) -> Iterator[Happening]:
    """Yield all that can be read again in the end, the snapshot last; at rest or not."""
    return ending.ended(client, place, opened, SERVICES[place.flow])


def sampled(client: Any, places: Sequence[Place]) -> list[Happening]:
    """Return where each group stands, and how much waits."""
    status = {place.flow: SERVICES[place.flow].STATUS for place in places}
    return list(sampling.sampled(client, places, status))
