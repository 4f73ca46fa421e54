"""Tell a schedule to a person, for --dry-run: what would happen when, to whom. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fault_injection.faults.fault import AGENT
from fault_injection.schedules.schedule import Planned, Schedule, digest


def told(schedule: Schedule) -> list[str]:
    """Return the lines: a heading, then each scenario with its faults."""
    hosts = sorted({each.host for each in schedule.faults if each.by == AGENT})
    heading = (
        f"seed {schedule.seed}: {len(schedule.slots)} scenarios, {len(schedule.faults)} faults"
        f" in {_clock(schedule.slots[-1].to_ms if schedule.slots else 0)},"
        f" at most {schedule.caps.faults} at once on {schedule.caps.hosts} hosts"
        f" of {', '.join(hosts) or 'none'}"
    )
    lines = [heading, f"schedule {digest(schedule)}"]
    for slot in schedule.slots:
        lines.append(
            f"{_clock(slot.from_ms)}  {slot.scenario}: {slot.workload}, {slot.per_s} events/s,"
            f" until {_clock(slot.to_ms)}"
        )
        within = range(slot.from_ms, slot.to_ms)
        lines += [_line(each) for each in schedule.faults if each.at_ms in within]
    return lines


def _line(fault: Planned) -> str:
    where = f"{fault.host} {fault.unit}" if fault.by == AGENT else "the laptop"
    words = "; ".join(_words(each) for each in fault.words)
    return (
        f"    {_clock(fault.at_ms)}-{_clock(fault.undo_at_ms)}  {fault.number}  {fault.fault}"
        f"  {where}: {words}"
    )


def _words(step: Mapping[str, Any]) -> str:
    """Return a step in a few words, without what the line has said already."""
    hidden = ("do", "unit", "password_file", "group")
    more = [f"{key}={_plain(value)}" for key, value in step.items() if key not in hidden]
    return " ".join([step["do"], *more])


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return "[" + " | ".join(_plain(each) for each in value) + "]"
    return str(value)


def _clock(ms: int) -> str:
    """Return minutes, seconds and tenths from the start."""
    return f"{ms // 60_000:d}:{ms // 1000 % 60:02d}.{ms // 100 % 10:d}"
