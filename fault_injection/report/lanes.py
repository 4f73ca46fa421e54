"""The swimlanes: what was planned, seen and undone, and what became of processes meanwhile."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from fault_injection.history.happenings import (
    GONE,
    OBSERVED,
    UNDONE,
    Process,
    Resumed,
    Steady,
)
from fault_injection.history.reading import History
from fault_injection.report.axis import LEAST_WIDTH, Axis
from fault_injection.report.bars import AROUND, Bar, joined
from fault_injection.report.courses import Course
from fault_injection.report.placing import Part
from fault_injection.report.wording import cut, many

#: So many lanes of faults and of processes; what is left out is told.
MOST_FAULTS, MOST_PROCESSES = 14, 14
#: What is around a fault may be so thin, in percent: it hides nothing then.
BRIEF = 0.1
#: What the exchange was asked is counted for so many bins.
CALL_BINS = 120
#: From this share on, refusals and silence are trouble.
TROUBLE = 0.1
#: What a process did -> how it is from then on; any other word is no change.
DOWN = frozenset({"killed", "ended", "stopped", "died", "exited", "failed", "gone"})
STILL = frozenset({"frozen", "paused", "stalled"})
UP = frozenset({"started", "restarted", "thawed", "resumed", "running"})
#: What is done there is done to no process.
NOBODY = frozenset({"", "laptop", "the laptop"})
#: Who comes last among the processes.
REDIS, EXCHANGE = "redis", "exchange"


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the figure."""

    name: str
    bars: Sequence[Bar]
    note: str = ""


def scenarios(parts: Sequence[Part], axis: Axis) -> list[Lane]:
    """Return one lane with the day's scenarios, where there are several."""
    if len(parts) <= 1:
        return []
    bars = [
        Bar("slot", axis.at(each.from_ns), axis.width(each.from_ns, each.to_ns),
            f"{each.number}: {each.slot.scenario}", f"{each.number} {each.slot.scenario}")
        for each in parts
        if axis.shows(each.from_ns, each.to_ns)
    ]  # fmt: skip
    return [Lane("scenario", bars)]


def faults(every: Iterable[Course], axis: Axis) -> tuple[list[Lane], int]:
    """Return a lane for each name of a fault, and how many faults found no lane."""
    by_name: dict[str, list[Course]] = {}
    for each in every:
        by_name.setdefault(each.name, []).append(each)
    shown = list(by_name.items())[:MOST_FAULTS]
    left = sum(len(of) for of in list(by_name.values())[MOST_FAULTS:])
    return [_fault_lane(name, of, axis) for name, of in shown], left


def _fault_lane(name: str, of: Sequence[Course], axis: Axis) -> Lane:
    bars = [bar for each in of for bar in _stages(each, axis)]
    seen = sum(each.observed for each in of)
    note = f"{seen} of {len(of)} observed" if len(of) > 1 or not seen else "observed"
    return Lane(name, joined(bars), note)


def _stages(course: Course, axis: Axis) -> Iterable[Bar]:
    """Yield a fault's planned frame, and what was seen of it."""
    who = f"{course.name} ({course.fault}) {course.target}".strip()
    if course.planned_ns and axis.shows(*course.planned_ns):
        begin, end = course.planned_ns
        yield Bar("planned", axis.at(begin), axis.width(begin, end), f"{who}: planned")
    begun, stages = course.begun_ns, course.stages
    planned_end = course.planned_ns[1] if course.planned_ns else axis.to_ns
    if not course.observed:
        begun = course.from_ns if begun is None else begun
        if begun is not None:
            end = stages.get(UNDONE, stages.get(GONE, planned_end))
            yield _bar("unseen", begun, end, axis, f"{who}: NOT OBSERVED", "not observed")
        return
    seen = stages[OBSERVED]
    undone = stages.get(UNDONE, stages.get(GONE, axis.to_ns))
    if begun is not None and begun < seen:
        yield _bar("injected", begun, seen, axis, f"{who}: injected, not yet seen")
    yield _bar("observed", seen, undone, axis, f"{who}: observed", course.fault)
    if UNDONE in stages:
        kind, said = ("undone", "undone, until gone") if course.gone else ("stuck", "never gone")
        yield _bar(kind, undone, stages.get(GONE, axis.to_ns), axis, f"{who}: {said}")


def _bar(kind: str, begin: int, end: int, axis: Axis, said: str, label: str = "") -> Bar:
    least = BRIEF if kind in AROUND else LEAST_WIDTH
    width = axis.width(begin, end, least) if axis.shows(begin, end) else 0
    return Bar(kind, axis.at(begin), width, said, label)


def told_of(history: History) -> dict[str, list[Process]]:
    """Return what was told of each process, in the order of time."""
    told: dict[str, list[Process]] = {}
    for each in sorted(history.of(Process), key=lambda each: (each.wall_ns, each.n)):
        if each.did in UP | DOWN | STILL:
            told.setdefault(each.name, []).append(each)
    return told


def processes(
    told: Mapping[str, Sequence[Process]], every: Sequence[Course], axis: Axis
) -> tuple[list[Lane], int]:
    """Return a lane for each process and each unit that was hit, and how many found none."""
    hits = {name: list[Bar]() for name in told}
    for course in every:
        if course.observed and course.target not in NOBODY:
            who = _who(course.target, told)
            hits.setdefault(who, []).extend(
                replace(bar, kind="hit" if who in told else "observed", said=f"{course.name}: hit")
                for bar in _stages(course, axis)
                if bar.kind == "observed" and bar.width
            )
    names = sorted(hits, key=_rank)
    lanes = []
    for name in names[:MOST_PROCESSES]:
        of = told.get(name, ())
        bars = joined([*_lives(of, axis), *hits[name]])
        here = [each for each in of if axis.shows(each.wall_ns, each.wall_ns)]
        lanes.append(Lane(cut(name.removesuffix(".service"), 60), bars, _told(here)))
    return lanes, max(0, len(names) - MOST_PROCESSES)


def _who(target: str, told: Iterable[str]) -> str:
    """Return the process that a target is, if one was told of under its own name."""
    words = target.removesuffix(".service").split()
    fitting = [name for name in told if name in {target, *words, words[-1] if words else ""}]
    return fitting[0] if fitting else target


def _rank(name: str) -> tuple[int, str]:
    return (1 if REDIS in name else 2 if EXCHANGE in name else 0, name)


def _told(of: Sequence[Process]) -> str:
    down = sum(each.did in DOWN for each in of)
    still = sum(each.did in STILL for each in of)
    words = [f"{down} down" if down else "", f"{still} frozen" if still else ""]
    return ", ".join(filter(None, words))


def _lives(of: Sequence[Process], axis: Axis) -> Iterable[Bar]:
    """Yield when a process was up, and when it stood still; the gaps are when it was not."""
    if not of:
        return
    state, since = ("" if of[0].did in UP else "up"), axis.from_ns
    for each in of:
        now = (
            "down" if each.did in DOWN else "still" if each.did in STILL
            else "up" if each.did in UP else state
        )  # fmt: skip
        if now != state:
            if state and axis.shows(since, each.wall_ns):
                yield _bar(state, since, each.wall_ns, axis, f"{cut(each.name, 60)}: {state}")
            state, since = now, each.wall_ns
    if state and axis.shows(since, axis.to_ns):
        yield _bar(state, since, axis.to_ns, axis, f"{cut(of[0].name, 60)}: {state}")


def exchange(calls: Sequence[tuple[int, bool]], axis: Axis) -> list[Lane]:
    """Return one lane of what the exchange was asked, and where it refused or said nothing."""
    counts = [[0, 0] for _ in range(CALL_BINS)]
    first = bisect_left(calls, (axis.from_ns, False))
    from_ns, span_ns = axis.from_ns, axis.span_ns + 1
    for at_ns, ill in calls[first : bisect_right(calls, (axis.to_ns, True))]:
        counts[(at_ns - from_ns) * CALL_BINS // span_ns][ill] += 1
    width = round(100 / CALL_BINS, 2)
    bars = [
        Bar("trouble" if ill > TROUBLE * (well + ill) else "call",
            round(100 * at / CALL_BINS, 2), width,
            f"{many(well + ill, 'request')}, {ill} refused or unanswered")
        for at, (well, ill) in enumerate(counts)
        if well + ill
    ]  # fmt: skip
    troubles = sum(each[1] for each in counts)
    note = f"{troubles:,} refused or unanswered" if troubles else "all answered"
    return [Lane("exchange", joined(bars), note)] if bars else []


def watch(history: History, axis: Axis) -> list[Lane]:
    """Return one lane of the looks at the steady state, and of when nobody watched."""
    beside = axis.span_ns // 100  # a look just before a scenario's first moment is its own
    bars = [
        Bar("well" if each.well else "ill", axis.at(each.wall_ns), 0.6,
            f"{each.phase}: {'well' if each.well else 'NOT WELL'} {cut(each.said, 80)}".strip(),
            "✓" if each.well else "✗")
        for each in history.of(Steady)
        if axis.shows(each.wall_ns - beside, each.wall_ns + beside)
    ]  # fmt: skip
    bars += [
        Bar("ill", axis.at(each.wall_ns), 0.6, "the harness died before; resumed here", "✗")
        for each in history.of(Resumed)
        if axis.shows(each.wall_ns, each.wall_ns)
    ]
    return [Lane("steady state", joined(bars))] if bars else []
