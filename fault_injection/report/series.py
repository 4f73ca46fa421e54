"""Throughput, lag and pending over time, thinned; lines as a figure draws them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from fault_injection.history.happenings import (
    NO_REPLY,
    OK,
    REFUSED,
    Ack,
    Call,
    Effect,
    Ended,
    Sample,
)
from fault_injection.history.reading import History
from fault_injection.report.axis import Axis, Points, rates, thinned, unbroken
from fault_injection.report.wording import NS_PER_MS, cut, number

#: A figure is drawn on so many units, and stretched to its place.
WIDTH, HEIGHT = 2000, 200
#: So many flows have a line of their own.
MOST_FLOWS = 6
#: So many effects of the very same nanosecond were read back in the end, and nobody knows when
#: they came to be.
TIMELESS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its points as SVG has them, and which of the strokes it has."""

    name: str
    pieces: Sequence[str]
    stroke: int
    most: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines on one scale."""

    title: str
    unit: str
    most: str  #: what the top of it is
    half: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the charts are drawn of, sorted once for all of them."""

    answered: Sequence[int]
    settled: Mapping[str, Sequence[int]]  #: what was done -> when, "effects of FLOW" or alike
    lag: Mapping[str, Points]
    pending: Mapping[str, Points]
    calls: Sequence[tuple[int, bool]]  #: to the exchange: when, and whether refused or unanswered


def gathered(history: History) -> Gathered:
    """Return all series whole."""
    effects: dict[str, list[int]] = {}
    lag: dict[str, Points] = {}
    pending: dict[str, Points] = {}
    unknown = timeless(history)
    for effect in history.of(Effect):
        if effect.wall_ns not in unknown:
            effects.setdefault(effect.flow, []).append(effect.wall_ns)
    for each in history.of(Sample):
        lag.setdefault(each.flow, []).append((each.wall_ns, each.lag))
        pending.setdefault(each.flow, []).append((each.wall_ns, each.pending))
    answered = sorted(each.wall_ns for each in history.of(Ended) if each.how == OK)
    calls = [(each.wall_ns, each.answer in {REFUSED, NO_REPLY}) for each in history.of(Call)]
    acked: dict[str, list[int]] = {}
    for ack in history.of(Ack):
        if ack.flow not in effects:
            acked.setdefault(ack.flow, []).append(ack.wall_ns)
    settled = {f"effects of {flow}": times for flow, times in effects.items()}
    settled |= {f"acknowledged by {flow}": times for flow, times in acked.items()}
    for points in (*lag.values(), *pending.values()):
        points.sort()
    for times in settled.values():
        times.sort()
    return Gathered(answered, settled, lag, pending, sorted(calls))


def timeless(history: History) -> frozenset[int]:
    """Return the moments at which effects were read back rather than made: their lines' own."""
    at_once = Counter(each.wall_ns for each in history.of(Effect) if each.wall_ns % NS_PER_MS)
    return frozenset(at for at, count in at_once.items() if count >= TIMELESS)


def charts(of: Gathered, axis: Axis, buckets: int) -> list[Chart]:
    """Return throughput, lag and pending on this axis, as far as there is anything to draw."""
    flows = sorted({*(each.rpartition(" ")[2] for each in of.settled), *of.lag})[:MOST_FLOWS]
    stroke = {flow: number for number, flow in enumerate(flows, 1)}
    rate, strokes = {"answered": rates(of.answered, axis)}, {"answered": 0}
    for what, times in sorted(of.settled.items()):
        if (flow := what.rpartition(" ")[2]) in stroke:
            rate[what], strokes[what] = rates(times, axis), stroke[flow]
    found = [_chart("throughput", "per second", rate, strokes)]
    for title, series in (("lag", of.lag), ("pending", of.pending)):
        lines = {
            flow: thinned(_within(series.get(flow, ()), axis), axis, buckets) for flow in flows
        }
        found.append(_chart(title, "entries", lines, stroke))
    return [_drawn(chart, axis) for chart in found if any(chart[2].values())]


_Whole = tuple[str, str, dict[str, Points], Mapping[str, int]]


def _chart(title: str, unit: str, lines: dict[str, Points], strokes: Mapping[str, int]) -> _Whole:
    return title, unit, lines, strokes


def _drawn(chart: _Whole, axis: Axis) -> Chart:
    title, unit, lines, strokes = chart
    most = max((value for points in lines.values() for _, value in points), default=0)
    top = max(most, 1)
    drawn = [
        Line(cut(name, 60), [polyline(each, axis, top) for each in unbroken(points, axis)],
             strokes[name],
             number(round(max(value for _, value in points), 1)))
        for name, points in lines.items()
        if points
    ]  # fmt: skip
    return Chart(
        title, unit, number(round(top, 1)), number(round(top / 2, 1)) if top > 1 else "", drawn
    )


def polyline(points: Points, axis: Axis, top: float) -> str:
    """Return points as places of a figure whose height is `top`."""
    return " ".join(
        f"{round(axis.at(at) * WIDTH / 100)},{round(HEIGHT * (1 - max(0.0, value) / top))}"
        for at, value in points
    )


def _within(points: Sequence[tuple[int, float]], axis: Axis) -> Points:
    first = bisect_left(points, axis.from_ns, key=itemgetter(0))
    return list(points[first : bisect_right(points, axis.to_ns, key=itemgetter(0))])
