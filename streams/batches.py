"""Read a batch of raw apply.result entries at once: what normalise says of each, in less time.

Producers repeat themselves: entries of one shape (the names of their fields, in order) differ in
what nobody counts, and the rest was mostly seen before. So the values that matter are picked by
their places and looked up; only what is new is read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from streams.apply_result import (
    AHEAD_MS,
    BEHIND_MS,
    CACHED_CHARS,
    NO_DETAILS,
    SAYING,
    SAYING_IN_DETAILS,
    Said,
    details_of,
    say_with,
    time_ms,
)
from streams.ids import id_ms
from streams.moments import said_ms

#: Id, and fields and values in turn, as Redis gives them.
RawEntry = tuple[str, Sequence[str]]

MINUTE_MS = 60_000
#: So many shapes, and so much said in one, are remembered; past it one begins anew.
SHAPES, SAYINGS = 64, 4_096
#: Of other types two values may be equal and yet be written differently: true is 1, and 1.0.
_PLAIN = frozenset((str, bool, type(None)))


class _Shape:
    """Where an entry's values are, and what such values were found to say."""

    __slots__ = ("_details", "_names", "_pick", "_said", "timestamp")

    def __init__(self, names: Sequence[str]) -> None:
        places = {name: 2 * place + 1 for place, name in enumerate(names)}
        self.timestamp = places.get("timestamp", 0)
        self._details = places.get("details", 0)
        self._names = [name for name in SAYING if name in places]
        self._pick = _picker([places[name] for name in self._names])
        self._said: dict[tuple[Any, ...], Said] = {}

    def say(self, fields: Sequence[str]) -> Said:
        """Return what an entry of this shape says."""
        values = self._pick(fields)
        if not self._details:
            return self._said.get(values) or self._read(values, values, NO_DETAILS)
        details = details_of(fields[self._details])
        told = tuple(map(details.get, SAYING_IN_DETAILS))
        if not _PLAIN.issuperset(map(type, told)):
            return say_with(dict(zip(self._names, values, strict=True)), details)
        known = values + told
        return self._said.get(known) or self._read(known, values, details)

    def _read(
        self, known: tuple[Any, ...], values: tuple[str, ...], details: Mapping[str, Any]
    ) -> Said:
        said = say_with(dict(zip(self._names, values, strict=True)), details)
        if all(
            each is None or each is True or each is False or len(each) <= CACHED_CHARS
            for each in known
        ):
            if len(self._said) >= SAYINGS:
                self._said.clear()
            self._said[known] = said
        return said


_shapes: dict[tuple[str, ...], _Shape] = {}


def tally(entries: Sequence[RawEntry]) -> Counter[tuple[int, Said]]:
    """Return how many entries say the same in the same minute (since the epoch).

    Entries stand in the order of their ids. Whatever they hold, there is an answer.
    """
    if not entries:
        return Counter()
    # a time within these is near the id of every one of them
    early_ms = id_ms(entries[-1][0]) - BEHIND_MS
    late_ms = id_ms(entries[0][0]) + AHEAD_MS
    return Counter(_read(entries, max(early_ms, 0), late_ms))


def _read(entries: Iterable[RawEntry], early_ms: int, late_ms: int) -> Iterable[tuple[int, Said]]:
    shape_of = _shapes.get
    for entry_id, fields in entries:
        names = tuple(fields[::2])
        shape = shape_of(names) or _new(names)
        written = fields[shape.timestamp] if shape.timestamp else ""
        at_ms = said_ms(written) if written else math.nan
        if not early_ms <= at_ms <= late_ms:
            at_ms = time_ms(written, id_ms(entry_id))
        yield int(at_ms) // MINUTE_MS, shape.say(fields)


def _new(names: tuple[str, ...]) -> _Shape:
    if len(_shapes) >= SHAPES:
        _shapes.clear()
    made = _shapes[names] = _Shape(names)
    return made


def _picker(places: Sequence[int]) -> Callable[[Any], tuple[str, ...]]:
    """Return what picks the values at these places out of an entry, as a tuple."""
    match places:
        case []:
            return lambda _: ()
        case [place]:
            return lambda fields: (fields[place],)
        case _:
            return itemgetter(*places)
