"""Find the few faults of a failing schedule that it needs to fail; order and times stay.

The algorithm is ddmin (A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing
Input, IEEE TSE 28(2), 2002): try each of n parts alone, then all but each, then smaller parts.
What it returns when it comes to its end is 1-minimal: without any one of them nothing fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Generic, TypeVar

from fault_injection.schedules.schedule import Schedule

T = TypeVar("T")

#: A real run takes minutes: no more of them than this.
MOST_CALLS = 400


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What is left, after how many runs; `minimal` unless the runs ran out."""

    left: tuple[T, ...]
    calls: int
    minimal: bool


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A smaller schedule that fails as well, after how many runs."""

    schedule: Schedule
    calls: int
    minimal: bool


class _NoMoreCallsError(Exception):
    """The runs ran out."""


def shrink(
    schedule: Schedule, fails: Callable[[Schedule], bool], most_calls: int = MOST_CALLS
) -> Shrunk:
    """Return the schedule with as few faults as it needs; raises ValueError if it does not fail."""
    found = ddmin(
        schedule.faults, lambda few: fails(replace(schedule, faults=tuple(few))), most_calls
    )
    return Shrunk(replace(schedule, faults=found.left), found.calls, found.minimal)


def ddmin(
    items: Sequence[T], fails: Callable[[Sequence[T]], bool], most_calls: int = MOST_CALLS
) -> Found[T]:
    """Return a 1-minimal subsequence that fails; raises ValueError if the whole does not."""
    known = dict[tuple[int, ...], bool]()

    def bad(places: tuple[int, ...]) -> bool:
        if places not in known:
            if len(known) >= most_calls:
                raise _NoMoreCallsError
            known[places] = fails([items[each] for each in places])
        return known[places]

    left, minimal = tuple(range(len(items))), True
    try:
        if not bad(left):
            raise ValueError("the whole of it does not fail: there is nothing to shrink")
        if bad(()):
            left = ()
        parts = 2
        while len(left) > 1:
            smaller = _smaller(left, parts, bad)
            if smaller is None and parts >= len(left):
                break
            if smaller is None:
                parts = min(2 * parts, len(left))
            else:
                left, parts = smaller
    except _NoMoreCallsError:
        minimal = False
    return Found(tuple(items[each] for each in left), len(known), minimal)


def _smaller(
    places: tuple[int, ...], parts: int, bad: Callable[[tuple[int, ...]], bool]
) -> tuple[tuple[int, ...], int] | None:
    """Return what fails alone, or without one part, and into how many parts to cut it next."""
    bounds = [len(places) * each // parts for each in range(parts + 1)]
    cuts = list(pairwise(bounds))
    for begin, end in cuts:
        if bad(places[begin:end]):
            return places[begin:end], 2
    for begin, end in cuts:
        rest = places[:begin] + places[end:]
        if bad(rest):
            return rest, max(parts - 1, 2)
    return None
