"""All that is shown of a run, as values: what a page draws and a terminal tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fault_injection.checkers import Judgement
from fault_injection.checkers.windows import Window, episodes
from fault_injection.history.happenings import ENDED_EARLY, RUN, Process, Resumed
from fault_injection.history.reading import History
from fault_injection.report import lanes
from fault_injection.report.axis import Axis, axis_of
from fault_injection.report.bars import Bar, shades
from fault_injection.report.courses import Course, courses, was_planned
from fault_injection.report.lanes import Lane
from fault_injection.report.placing import Part, Placed, placed
from fault_injection.report.sentence import sentence
from fault_injection.report.series import Chart, Gathered, charts, gathered
from fault_injection.report.summing_up import summary
from fault_injection.report.wording import cut, many
from fault_injection.schedules.schedule import Schedule, digest


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A run as it is shown; what it is drawn of is kept with it."""

    history: History
    judgement: Judgement
    summary: Mapping[str, Any]
    sentence: str
    axis: Axis
    placed: Placed
    courses: Sequence[Course]
    by_part: Mapping[int, Sequence[Course]]
    episodes: Sequence[Window]
    processes: Mapping[str, Sequence[Process]]  #: by their names, in the order of time
    series: Gathered
    remarks: Sequence[str]  #: what is odd about the run as such

    @property
    def unseen(self) -> list[Course]:
        """Return the faults that were no test: not seen to come, or not to go."""
        return [each for each in self.courses if not each.well]

    def reached(self, part: Part) -> bool:
        """Tell whether the run came to a scenario at all."""
        return part.from_ns < self.axis.to_ns


def day_of(history: History, judgement: Judgement, schedule: Schedule | None) -> Day:
    """Return what there is to show."""
    axis = axis_of(history)
    where = placed(history, schedule, axis)
    every = courses(history, where)
    numbers = summary(history, judgement)
    by_part: dict[int, list[Course]] = {each.number: [] for each in where.parts}
    for each in every:
        if each.slot is not None:
            by_part[each.slot].append(each)
    return Day(
        history, judgement, numbers, sentence(numbers, judgement, every), axis, where, every,
        by_part, episodes(history), lanes.told_of(history), gathered(history),
        _remarks(history, schedule, every),
    )  # fmt: skip


def _remarks(history: History, schedule: Schedule | None, every: Sequence[Course]) -> Sequence[str]:
    """Return what a reader must know before anything else."""
    said = []
    named = history.opening.schedule if history.opening else ""
    said += [
        f"The run ended early: {cut(each.said)}."
        for each in history.of(Process)
        if (each.name, each.did) == (RUN, ENDED_EARLY)
    ]
    if schedule is None:
        said.append("No schedule was found: what was planned is known from the history alone.")
    elif history.opening and named != digest(schedule):
        said.append("The schedule is not the one that the history names: times planned may be off.")
    if history.damage:
        said.append(
            f"The history is damaged: {'; '.join(history.damage)}. Nothing follows from it."
        )
    if not history.closed:
        said.append("The history has no last line: the run did not come to its end.")
    if history.torn:
        said.append(f"Its last line is torn: {many(history.torn, 'byte')} do not count.")
    if resumed := len(history.of(Resumed)):
        said.append(
            f"The harness died and was resumed {many(resumed, 'time')}: nobody watched then."
        )
    if strange := [each.fault for each in every if not was_planned(each)]:
        said.append(f"{many(len(strange), 'fault was', 'faults were')} in no plan.")
    return said


@dataclass(frozen=True, slots=True)
class Figure:
    """Lanes and charts over one time."""

    id: str  #: of its ground, in the page
    ticks: Sequence[tuple[float, str]]
    groups: Sequence[tuple[str, Sequence[Lane]]]
    charts: Sequence[Chart]
    shades: Sequence[Bar]
    left: str  #: what found no room


def figure(day: Day, axis: Axis, of: Sequence[Course], buckets: int) -> Figure:
    """Return the swimlanes and the charts of a time, with the faults that belong to it."""
    shown = [each for each in of if _lies(each, axis)]
    broken, left = lanes.faults(shown, axis)
    who, without = lanes.processes(day.processes, shown, axis)
    around = lanes.watch(day.history, axis)
    if axis == day.axis:
        around = [*lanes.scenarios(day.placed.parts, axis), *around]
    groups = [
        ("", around), ("faults", broken),
        ("processes", [*who, *lanes.exchange(day.series.calls, axis)]),
    ]  # fmt: skip
    ground = shades(day.episodes, axis)
    words = [f"{many(left, 'more fault')} of other kinds" if left else "",
             f"{many(without, 'more process', 'more processes')}" if without else ""]  # fmt: skip
    return Figure(
        f"ground-{axis.from_ns}-{axis.to_ns}", axis.ticks(), [each for each in groups if each[1]],
        charts(day.series, axis, buckets), ground, " and ".join(filter(None, words)),
    )  # fmt: skip


def part_axis(day: Day, part: Part) -> Axis:
    """Return a scenario's own time, as far as the run came."""
    end = min(part.to_ns, day.axis.to_ns)
    return Axis(part.from_ns, max(end, part.from_ns + 1), day.axis.origin_ns)


def _lies(course: Course, axis: Axis) -> bool:
    at = course.from_ns
    ends = max([*course.stages.values(), *(course.planned_ns or ())], default=0)
    return at is not None and axis.shows(at, max(at, ends))
