"""Fold events into the fields of their minutes' buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from streams.apply_result import ApplyResult
from streams.keys import minute_name

MINUTE_MS = 60_000
#: A bucket's field for what found no room in it.
OVERFLOW = "overflow"

_named = lru_cache(maxsize=4096)(minute_name)


@dataclass(frozen=True, slots=True)
class Fold:
    """What events add: per minute (YYYYMMDDHHMM) its fields, and the words not understood.

    A bucket's fields stand in the order in which they find room: decisions, reasons, symbols.
    """

    buckets: dict[str, dict[str, int]]
    unknown: dict[str, int]


def fold(results: Iterable[ApplyResult], *, symbols: bool = True) -> Fold:
    """Return the sum of `results`; symbols: with one field per symbol and reason."""
    events: Counter[tuple[int, str, str, str | None]] = Counter()
    unknown: dict[str, int] = {}
    for decision, reason, time_ms, symbol, word in results:
        events[time_ms // MINUTE_MS, decision, reason, symbol] += 1
        if word is not None:
            unknown[word] = unknown.get(word, 0) + 1
    minutes: dict[int, tuple[dict[str, int], dict[str, int], dict[str, int]]] = {}
    for (minute, decision, reason, symbol), count in events.items():
        parts = minutes.setdefault(minute, ({}, {}, {}))
        _add(parts[0], f"decision:{decision}", count)
        _add(parts[1], f"reason:{reason}", count)
        if symbols and symbol is not None:
            _add(parts[2], f"symbol_reason:{symbol}:{reason}", count)
    return Fold(
        {_named(minute): {**one, **two, **three} for minute, (one, two, three) in minutes.items()},
        unknown,
    )


def _add(fields: dict[str, int], name: str, count: int) -> None:
    fields[name] = fields.get(name, 0) + count
