"""Where the schedule's times lie in a history: its clock starts with each scenario anew.

A scenario begins with the runner's own line, or where the schedule puts it if there is none. Its
clock starts once all is well, and no line says when. A fault is never injected before its time, so
the one that came closest to it tells; one whose faults were never injected counts from its line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fault_injection.checkers.windows import scenarios_began
from fault_injection.history.happenings import INJECTED, OBSERVED, Fault
from fault_injection.history.reading import History
from fault_injection.report.axis import Axis
from fault_injection.report.wording import NS_PER_MS
from fault_injection.schedules.schedule import Planned, Schedule, Slot


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario's time in the run."""

    number: int  #: from 1
    slot: Slot
    from_ns: int
    to_ns: int
    zero_ns: int  #: the moment from which its slot counts


@dataclass(frozen=True, slots=True)
class Placed:
    """The schedule, if there is one, in the history's time."""

    parts: Sequence[Part]
    faults: Sequence[Planned]
    by_fault: Mapping[str, tuple[Part, Planned]]

    def slot_of(self, fault: str) -> int | None:
        """Return the number of the part that a fault belongs to."""
        return self.by_fault[fault][0].number if fault in self.by_fault else None

    def when(self, fault: str) -> tuple[int, int] | None:
        """Return from when to when a fault was planned, wall ns."""
        if fault not in self.by_fault:
            return None
        part, planned = self.by_fault[fault]
        zero_ns = part.zero_ns
        return zero_ns + planned.at_ms * NS_PER_MS, zero_ns + planned.undo_at_ms * NS_PER_MS


def placed(history: History, schedule: Schedule | None, axis: Axis) -> Placed:
    """Return the parts of a schedule, () without one."""
    if schedule is None:
        return Placed((), (), {})
    injected: dict[str, int] = {}
    for told in history.of(Fault):
        if told.stage in {INJECTED, OBSERVED}:
            injected[told.fault] = min(told.wall_ns, injected.get(told.fault, told.wall_ns))
    parts: list[Part] = []
    by_fault: dict[str, tuple[Part, Planned]] = {}
    begins = scenarios_began(history)
    zero_ns = axis.from_ns
    faults = sorted(schedule.faults, key=_at)
    for number, slot in enumerate(schedule.slots):
        first = bisect_left(faults, slot.from_ms, key=_at)
        own = faults[first : bisect_left(faults, slot.to_ms, key=_at)]
        zeros = [
            injected[str(each.number)] - each.at_ms * NS_PER_MS
            for each in own
            if str(each.number) in injected
        ]
        if number < len(begins):
            zero_ns = begins[number] - slot.from_ms * NS_PER_MS
        zero_ns = min(zeros, default=zero_ns)
        times = [zero_ns + ms * NS_PER_MS for ms in (slot.from_ms, slot.to_ms)]
        if begins:  # it may have ended before its time, or never have begun
            bounds = [*begins[: len(schedule.slots)], axis.to_ns]
            times = [bounds[min(at, len(bounds) - 1)] for at in (number, number + 1)]
        begin_ns = max(times[0], axis.from_ns)
        part = Part(number + 1, slot, begin_ns, max(times[1], begin_ns), zero_ns)
        parts.append(part)
        by_fault.update({str(each.number): (part, each) for each in own})
    return Placed(parts, schedule.faults, by_fault)


def _at(fault: Planned) -> int:
    return fault.at_ms
