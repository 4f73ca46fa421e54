"""Time as a place on a page: percent of a span, ticks for people, and series that an eye can take.

Pure. A history may hold any time at all, so every place is clipped to the span.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fault_injection.history.happenings import (
    Closing,
    Ended,
    Fault,
    Happening,
    Invoked,
    Opening,
    Position,
    Process,
    Sample,
    Steady,
)
from fault_injection.history.reading import History
from fault_injection.report.wording import NS, TENTH, moment

#: What the harness writes at its own time; others may bring the clock of their source.
OWN = (Opening, Invoked, Ended, Fault, Process, Steady, Position, Sample, Closing)
#: Steps between ticks, in ns, and how many ticks there may be.
STEPS = tuple(
    int(NS * each)
    for each in (
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300,
        600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
    )
)  # fmt: skip
MOST_TICKS = 8
#: A rate is told for so many bins at most, and for no fewer happenings in the mean.
BINS, IN_A_BIN = 150, 8
#: What is thinner is not seen, in percent.
LEAST_WIDTH = 0.3
#: A line breaks where nothing was seen for this share of the span, and for so many times the mean.
GAP, GAP_OF_MEAN = 0.02, 8

Points = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """From when to when, and from which moment the clock counts."""

    from_ns: int
    to_ns: int
    origin_ns: int

    @property
    def span_ns(self) -> int:
        """Return its length; never nothing."""
        return max(1, self.to_ns - self.from_ns)

    def at(self, ns: int) -> float:
        """Return a moment's place in percent."""
        return round(100 * min(max(ns - self.from_ns, 0), self.span_ns) / self.span_ns, 2)

    def width(self, from_ns: int, to_ns: int, least: float = LEAST_WIDTH) -> float:
        """Return the width of a time, wide enough to be seen."""
        return round(max(least, self.at(to_ns) - self.at(from_ns)), 2)

    def shows(self, from_ns: int, to_ns: int) -> bool:
        """Tell whether any of a time lies here."""
        return from_ns <= self.to_ns and to_ns >= self.from_ns

    def clock(self, ns: int) -> str:
        """Return the time since the run's beginning."""
        return moment(ns - self.origin_ns, TENTH)

    def ticks(self) -> list[tuple[float, str]]:
        """Return places and what to write there."""
        fitting = [each for each in STEPS if self.span_ns // each < MOST_TICKS]
        step = fitting[0] if fitting else -(-self.span_ns // MOST_TICKS)
        first = -(-(self.from_ns - self.origin_ns) // step)
        last = (self.to_ns - self.origin_ns) // step
        every = [self.origin_ns + step * each for each in range(first, last + 1)]
        return [(self.at(each), moment(each - self.origin_ns, step)) for each in every]


def axis_of(history: History) -> Axis:
    """Return the whole run's time, by the harness's own lines."""
    kinds: tuple[type[Happening], ...] = OWN
    times = [each.wall_ns for kind in kinds for each in history.of(kind)] or [0]
    return Axis(min(times), max(times), min(times))


def thinned(points: Sequence[tuple[int, float]], axis: Axis, buckets: int) -> Points:
    """Return at most two points for each bucket, its least and its most, in the order of time."""
    if len(points) <= 2 * buckets:
        return list(points)
    kept: Points = []
    bucket: Points = []
    at = -1
    for point in points:
        where = (point[0] - axis.from_ns) * buckets // (axis.span_ns + 1)
        if where != at and bucket:
            kept += _extremes(bucket)
            bucket = []
        at = where
        bucket.append(point)
    return kept + (_extremes(bucket) if bucket else [])


def _extremes(bucket: Points) -> Points:
    low = min(range(len(bucket)), key=lambda each: bucket[each][1])
    high = max(range(len(bucket)), key=lambda each: bucket[each][1])
    return [bucket[each] for each in sorted({low, high})]


def unbroken(points: Points, axis: Axis) -> list[Points]:
    """Return points in pieces, parted where nobody looked for long."""
    if not points:
        return []
    most_ns = max(GAP * axis.span_ns, GAP_OF_MEAN * axis.span_ns / len(points))
    pieces = [[points[0]]]
    for before, each in pairwise(points):
        if each[0] - before[0] > most_ns:
            pieces.append([])
        pieces[-1].append(each)
    return pieces


def rates(times: Sequence[int], axis: Axis) -> Points:
    """Return how many of sorted times there were in a second, at the middle of each bin."""
    within = times[bisect_left(times, axis.from_ns) : bisect_right(times, axis.to_ns)]
    if not within:
        return []
    bins = max(1, min(BINS, len(within) // IN_A_BIN))
    counts = [0] * bins
    from_ns, span_ns = axis.from_ns, axis.span_ns + 1
    for each in within:
        counts[(each - from_ns) * bins // span_ns] += 1
    per_s = NS * bins / axis.span_ns
    half = axis.span_ns // (2 * bins)
    return [
        (axis.from_ns + axis.span_ns * number // bins + half, count * per_s)
        for number, count in enumerate(counts)
    ]
