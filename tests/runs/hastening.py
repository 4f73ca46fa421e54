"""Schedules that a test can wait for: the same faults in order, one soon after the other."""

from dataclasses import replace

from commands import fault_runs
from commands.choosing import choose
from fault_injection.faults.fault import LAPTOP
from fault_injection.schedules import Schedule, encode

BEFORE_MS, APART_MS, RECOVERY_MS = 2_000, 3_000, 60_000
_SLOT_TIMES = ("from_ms", "faults_from_ms", "faults_to_ms", "to_ms")
_FAULT_TIMES = ("at_ms", "undo_at_ms")


def hastened(schedule: Schedule) -> Schedule:
    """Return a schedule of one scenario whose faults begin soon and follow each other."""
    at_ms, faults = BEFORE_MS, []
    for each in schedule.faults:
        lasts_ms = each.undo_at_ms - each.at_ms
        faults.append(replace(each, at_ms=at_ms, undo_at_ms=at_ms + lasts_ms))
        at_ms += APART_MS if each.by == LAPTOP else lasts_ms
    over_ms = max((each.undo_at_ms for each in faults), default=BEFORE_MS)
    (slot,) = schedule.slots
    slot = replace(
        slot, from_ms=0, faults_from_ms=BEFORE_MS, faults_to_ms=over_ms, to_ms=over_ms + RECOVERY_MS
    )
    return replace(schedule, slots=(slot,), faults=tuple(faults))


def kept(person, name: str, seed: int, most: int = 3):
    """Return the file of a hastened schedule of at most so many faults."""
    drawn = fault_runs.drawn_one(choose(None, str(person.inventory), ""), name, seed)
    path = person.folder / f"{name}-{seed}.json"
    path.write_bytes(encode(hastened(replace(drawn, faults=drawn.faults[:most]))))
    return path


def kept_day(person, seed: int, *names: str):
    """Return the file of a day of these scenarios, hastened, each with one fault."""
    chosen = choose(None, str(person.inventory), "")
    slots, faults, begin_ms = [], [], 0
    for name in names:
        drawn = fault_runs.drawn_one(chosen, name, seed)
        one = hastened(replace(drawn, faults=drawn.faults[:1]))
        slots += [_later(each, begin_ms, _SLOT_TIMES) for each in one.slots]
        faults += [
            replace(_later(each, begin_ms, _FAULT_TIMES), number=len(faults) + 1)
            for each in one.faults
        ]
        begin_ms = slots[-1].to_ms
    path = person.folder / f"day-{seed}.json"
    path.write_bytes(encode(replace(drawn, slots=tuple(slots), faults=tuple(faults))))
    return path


def _later(value, by_ms: int, names):
    return replace(value, **{name: getattr(value, name) + by_ms for name in names})
