"""Fold events into the fields of their minutes' buckets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from streams.apply_result import ApplyResult, Said
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
    return fold_tally(
        Counter(
            (time_ms // MINUTE_MS, Said(decision, reason, symbol, unknown))
            for decision, reason, time_ms, symbol, unknown in results
        ),
        symbols=symbols,
    )


def fold_tally(tally: Mapping[tuple[int, Said], int], *, symbols: bool = True) -> Fold:
    """Return the sum of events that were counted by minute (since the epoch) and what they say."""
    unknown: dict[str, int] = {}
    minutes: dict[int, tuple[dict[str, int], dict[str, int], dict[str, int]]] = {}
    for (minute, said), count in tally.items():
        parts = minutes.get(minute) or minutes.setdefault(minute, ({}, {}, {}))
        for fields, name in zip(parts, _fields(said), strict=True):
            if name and (symbols or fields is not parts[2]):
                fields[name] = fields.get(name, 0) + count
        if said.unknown is not None:
            unknown[said.unknown] = unknown.get(said.unknown, 0) + count
    return Fold(
        {_named(minute): {**one, **two, **three} for minute, (one, two, three) in minutes.items()},
        unknown,
    )


@lru_cache(maxsize=4096)
def _fields(said: Said) -> tuple[str, str, str]:
    """Return the fields that an event raises; the last is "" where it has no symbol."""
    decision, reason, symbol, _ = said
    of_symbol = "" if symbol is None else f"symbol_reason:{symbol}:{reason}"
    return f"decision:{decision}", f"reason:{reason}", of_symbol
