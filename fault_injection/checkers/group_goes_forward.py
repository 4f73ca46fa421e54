"""A group's last-delivered-id never goes back, and the group never vanishes.

Where a fault of this run does just that, it must be noticed: a consumer tells GROUP_MOVED before
the group has come forward to where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass

from fault_injection.checkers.naming import kept
from fault_injection.history.happenings import (
    GROUP_MOVED,
    OBSERVED,
    POSITIONS,
    Fault,
    Flow,
    Position,
    Told,
)
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams.ids import ZERO, id_key

NEEDS_END = True
NEEDS_WATCH = True


@dataclass(frozen=True, slots=True)
class Fall:
    """From where to where a group went back, and between which lines it was there."""

    high: str
    low: str
    began: int
    ended: float


def check(history: History) -> Finding | None:
    """Follow every group's place."""
    if not (flows := history.flows(POSITIONS)):
        return None
    why: list[str] = []
    notes: list[str] = []
    places = 0
    for flow in flows:
        seen = [each for each in history.of(Position) if each.flow == flow.flow]
        places += len(seen)
        if not seen:
            return Finding.unknown(f"{flow.flow}: nobody looked where its group stands")
        for fall in _falls(seen):
            said = f"{flow.flow}: from {fall.high} back to {fall.low or 'nothing'}"
            wrong = _unexplained(history, flow, fall)
            (why if wrong else notes).append(f"{said}, {wrong or 'and noticed'}")
    if why:
        return Finding.refuted(*why, places=places, falls=kept(why))
    return Finding.proved(f"{places} looks, always forward", *notes, places=places)


def _falls(seen: list[Position]) -> list[Fall]:
    found, high, low = [], seen[0], None
    for each in seen:
        back = id_key(each.last_delivered_id or ZERO) < id_key(high.last_delivered_id or ZERO)
        if back:
            low = low or each
        else:
            if low is not None:
                found.append(_fall(high, low, each.n))
                low = None
            high = each
    return found if low is None else [*found, _fall(high, low, float("inf"))]


def _fall(high: Position, low: Position, ended: float) -> Fall:
    return Fall(high.last_delivered_id, low.last_delivered_id, high.n, ended)


def _unexplained(history: History, flow: Flow, fall: Fall) -> str:
    """Return what is wrong with a fall, "" for one that was made on purpose and noticed."""
    meant = any(
        each.moves == flow.flow and each.stage == OBSERVED and each.n < fall.ended
        for each in history.of(Fault)
    )
    if not meant:
        return "and no fault did it"
    noticed = any(
        each.flow == flow.flow and each.what == GROUP_MOVED and fall.began < each.n < fall.ended
        for each in history.of(Told)
    )
    return "" if noticed else "and nobody noticed"
