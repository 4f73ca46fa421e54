"""What became of every fault: planned for when, injected, observed, undone, gone; or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fault_injection.faults.fault import AGENT
from fault_injection.history.happenings import (
    ARMED,
    GONE,
    INJECTED,
    OBSERVED,
    PLANNED,
    UNDONE,
    Fault,
    Process,
)
from fault_injection.history.reading import History
from fault_injection.report.placing import Placed
from fault_injection.report.wording import cut
from fault_injection.schedules.schedule import Planned


@dataclass(frozen=True, slots=True)
class Course:
    """One fault from its plan to its end, in wall ns; `stages` hold when each was first told."""

    fault: str  #: its number in the schedule
    name: str
    target: str
    slot: int | None  #: which part of the day it belongs to
    planned_ns: tuple[int, int] | None  #: from when to when, by the schedule
    stages: Mapping[str, int] = field(default_factory=dict)
    said: str = ""

    @property
    def observed(self) -> bool:
        """Tell whether anybody saw it."""
        return OBSERVED in self.stages

    @property
    def gone(self) -> bool:
        """Tell whether anybody saw that it is over."""
        return GONE in self.stages

    @property
    def begun_ns(self) -> int | None:
        """Return when it was injected, or first seen."""
        times = [self.stages[each] for each in (INJECTED, OBSERVED) if each in self.stages]
        return min(times, default=None)

    @property
    def state(self) -> str:
        """Return in a few words what became of it."""
        if self.observed:
            return "observed, and seen to be gone" if self.gone else "observed, never seen gone"
        if self.begun_ns is not None:
            return "injected, never observed"
        return "armed, never injected" if ARMED in self.stages else "planned, never begun"

    @property
    def well(self) -> bool:
        """Tell whether it was a test, from its beginning to its end."""
        return self.observed and self.gone

    @property
    def from_ns(self) -> int | None:
        """Return when it began, or should have."""
        if self.begun_ns is not None:
            return self.begun_ns
        return self.planned_ns[0] if self.planned_ns else None


def courses(history: History, placed: Placed) -> Sequence[Course]:
    """Return all faults of the schedule and of the history, in the order of their time."""
    stages: dict[str, dict[str, int]] = {}
    told: dict[str, Fault] = {}
    said: dict[str, str] = {}
    for each in history.of(Fault):
        stages.setdefault(each.fault, {}).setdefault(each.stage, each.wall_ns)
        told[each.fault] = each if each.target or each.fault not in told else told[each.fault]
        if each.said and each.stage in {INJECTED, OBSERVED, UNDONE}:
            said[each.fault] = cut(each.said)
    troubles = {each.name: f"{each.did} {each.said}" for each in history.of(Process)}
    for of, each in told.items():  # what a run could not do, it says of a process of that name
        if trouble := troubles.get(f"fault {of} ({each.name})"):
            said[of] = cut(trouble)
    planned = {str(each.number): each for each in placed.faults}
    found = [
        Course(
            of, cut(told[of].name if of in told else planned[of].fault, 60),
            cut(told[of].target, 80) if of in told and told[of].target else _where(planned.get(of)),
            placed.slot_of(of), placed.when(of), stages.get(of, {}), said.get(of, ""),
        )
        for of in dict.fromkeys([*planned, *stages])
    ]  # fmt: skip
    return sorted(found, key=_order)


def was_planned(course: Course) -> bool:
    """Tell whether a schedule or the history itself announced it."""
    return course.planned_ns is not None or PLANNED in course.stages


def _where(planned: Planned | None) -> str:
    if planned is None:
        return ""
    return f"{planned.host} {planned.unit}" if planned.by == AGENT else "the laptop"


def _order(course: Course) -> tuple[int, int, str]:
    at = course.from_ns
    return (1, 0, course.fault) if at is None else (0, at, course.fault)
