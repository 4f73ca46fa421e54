"""Where the schedule's times lie in a history: its clock starts with each scenario anew.

A schedule counts milliseconds from its own start, and no line says when that was. A fault is never
injected before its time, so the one of a scenario that came closest to it tells when the scenario
began; one whose faults were never injected follows the scenario before it, or the first line.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fault_injection.history.happenings import INJECTED, OBSERVED, Fault
from fault_injection.history.reading import History
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


def placed(history: History, schedule: Schedule | None, begun_ns: int) -> Placed:
    """Return the parts of a schedule, () without one."""
    if schedule is None:
        return Placed((), (), {})
    injected: dict[str, int] = {}
    for told in history.of(Fault):
        if told.stage in {INJECTED, OBSERVED}:
            injected[told.fault] = min(told.wall_ns, injected.get(told.fault, told.wall_ns))
    parts: list[Part] = []
    by_fault: dict[str, tuple[Part, Planned]] = {}
    zero_ns = begun_ns
    faults = sorted(schedule.faults, key=_at)
    for number, slot in enumerate(schedule.slots, 1):
        first = bisect_left(faults, slot.from_ms, key=_at)
        own = faults[first : bisect_left(faults, slot.to_ms, key=_at)]
        zeros = [
            injected[str(each.number)] - each.at_ms * NS_PER_MS
            for each in own
            if str(each.number) in injected
        ]
        zero_ns = min(zeros, default=zero_ns)
        at = zero_ns + slot.from_ms * NS_PER_MS, zero_ns + slot.to_ms * NS_PER_MS
        part = Part(number, slot, max(at[0], begun_ns), max(at[1], begun_ns), zero_ns)
        parts.append(part)
        by_fault.update({str(each.number): (part, each) for each in own})
    return Placed(parts, schedule.faults, by_fault)


def _at(fault: Planned) -> int:
    return fault.at_ms
