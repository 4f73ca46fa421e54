"""The life of one identity: all that a history says of it, in the order of time."""

from __future__ import annotations

from fault_injection.history.happenings import Ended, Happening, Invoked, Produced
from fault_injection.history.reading import History


def life(history: History, identity: str) -> list[Happening]:
    """Return what concerns an identity itself, its operations and its entries."""
    operations = {each.op for each in history.of(Invoked) if each.identity == identity}
    entries = {each.entry for each in history.of(Ended) if each.op in operations} - {""}
    entries |= {each.entry for each in history.of(Produced) if each.identity == identity}
    found = [
        each
        for each in history.happenings
        if getattr(each, "identity", None) == identity
        or getattr(each, "op", None) in operations
        or getattr(each, "entry", None) in entries
    ]
    return sorted(found, key=_when)


def _when(each: Happening) -> tuple[int, int]:
    return each.wall_ns, each.n
