"""The recovery bracket of each episode of faults: how long until as little waits as before."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fault_injection.checkers import Judgement
from fault_injection.checkers.recovery import name_of
from fault_injection.checkers.windows import Window, before_faults, episodes
from fault_injection.history.happenings import LAG
from fault_injection.history.reading import History
from fault_injection.report.axis import Axis, Points, thinned
from fault_injection.report.series import Gathered, polyline
from fault_injection.report.wording import NS, cut, lasted, listed, number

#: So many brackets are drawn, the longest ones; so many points has each.
MOST, BUCKETS = 12, 60
#: So much is shown beside the fault and the recovery, as a share of both; and at least so long.
BESIDE, LEAST_NS = 0.25, NS // 5


@dataclass(frozen=True, slots=True)
class Bracket:
    """One episode in the flow that took longest, or never came back."""

    name: str
    flow: str
    said: str
    back: bool
    ill: bool  #: whether that is what refutes
    took_s: float | None
    points: str
    most: str
    base_y: float  #: in percent from the top
    fault: tuple[float, float]  #: x and width, in percent
    until: float  #: x of the moment when it was back, or of the end
    others: str
    at: str


def brackets(
    history: History, judgement: Judgement, of: Gathered, whole: Axis
) -> tuple[list[Bracket], int]:
    """Return the longest recoveries in the order of time, and how many more there were."""
    times = recovery_times(judgement)
    flows = [flow.flow for flow in history.flows(LAG) if of.lag.get(flow.flow)]
    found = episodes(history)
    if not flows or not found:
        return [], 0
    waiting = {flow: _waiting(of, flow) for flow in flows}
    spans = dict(zip(found, before_faults(history, found), strict=True))
    late = not_back(judgement)
    worst = []
    for window, following in [*pairwise(found), (found[-1], None)]:
        if window.gone_ns is None:
            continue
        by_flow = {flow: times.get(f"{flow} after {name_of(window)}") for flow in flows}
        flow = max(flows, key=lambda each: _rank(by_flow[each]))
        worst.append((_rank(by_flow[flow]), window, following, flow, by_flow))
    longest = sorted(worst, key=lambda each: each[0], reverse=True)[:MOST]
    drawn = [
        _bracket(
            window,
            following,
            flow,
            by_flow,
            waiting[flow],
            _baseline(waiting[flow], *spans[window]),
            whole,
            measured=bool(times),
            late=f"{flow} after {name_of(window)}" in late,
        )
        for _, window, following, flow, by_flow in sorted(
            longest, key=lambda each: each[1].began_ns
        )
    ]
    return drawn, len(worst) - len(drawn)


def recovery_times(judgement: Judgement) -> Mapping[str, float]:
    """Return "flow after fault" -> seconds, as the checker measured them."""
    finding = judgement.findings.get("recovery")
    times = finding.numbers.get("recovery_s", {}) if finding else {}
    return times if isinstance(times, Mapping) else {}


def not_back(judgement: Judgement) -> Sequence[str]:
    """Return "flow after fault" of what was watched long enough and did not come back."""
    finding = judgement.findings.get("recovery")
    late = finding.numbers.get("not_back", ()) if finding else ()
    return late if isinstance(late, Sequence) else ()


def _rank(took_s: float | None) -> float:
    return float("inf") if took_s is None else took_s


def _waiting(of: Gathered, flow: str) -> Points:
    pairs = zip(of.lag[flow], of.pending[flow], strict=True)
    return [(at, lag + pending) for (at, lag), (_, pending) in pairs]


def _baseline(points: Points, from_ns: int, to_ns: int) -> float:
    return max((value for at, value in points if from_ns <= at < to_ns), default=0)


def _bracket(
    window: Window,
    following: Window | None,
    flow: str,
    by_flow: Mapping[str, float | None],
    points: Points,
    base: float,
    whole: Axis,
    *,
    measured: bool,
    late: bool,
) -> Bracket:
    gone = window.gone_ns or window.began_ns
    took_s = by_flow[flow]
    last = following.began_ns if following else whole.to_ns
    back = gone + int(took_s * NS) if took_s is not None else max(gone, last)
    beside = max(LEAST_NS, int(BESIDE * (back - window.began_ns)))
    axis = Axis(
        window.began_ns - beside, max(gone, min(back + beside, whole.to_ns)), whole.origin_ns
    )
    first = bisect_left(points, (axis.from_ns, 0.0))
    shown = points[first : bisect_left(points, (axis.to_ns + 1, 0.0))]
    top = max(1.0, base, max((value for _, value in shown), default=1))
    said = "not measured"
    if took_s is not None:
        said = f"back after {lasted(int(took_s * NS))}"
    elif measured:
        said = "not seen to be back" if late or following is None else "the next fault came first"
    others = [
        f"{each} {lasted(int(took * NS))}" if took is not None else f"{each} not back"
        for each, took in by_flow.items()
        if measured and each != flow
    ]
    return Bracket(
        cut(name_of(window), 80), cut(flow, 60), said, took_s is not None,
        late or (measured and took_s is None and following is None), took_s,
        polyline(thinned(shown, axis, BUCKETS), axis, top), number(top),
        round(100 * (1 - base / top), 1),
        (axis.at(window.began_ns), axis.width(window.began_ns, gone)), axis.at(back),
        listed(others), axis.clock(window.began_ns),
    )  # fmt: skip
