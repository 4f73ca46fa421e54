"""When faults were there: the time before all of them, during any, and after.

Faults that overlap are one episode: what happens while one of two is still there is no recovery.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from fault_injection.history.happenings import (
    AFTER,
    BEFORE,
    BEGINS,
    DURING,
    GONE,
    INJECTED,
    OBSERVED,
    RUN,
    Fault,
    Process,
)
from fault_injection.history.reading import History


@dataclass(frozen=True, slots=True)
class Window:
    """From a fault's injection (or its first sight) until it was seen to be gone."""

    faults: tuple[str, ...]  #: "name (number)"
    began_ns: int
    gone_ns: int | None  #: None where nobody saw that


def windows(history: History) -> list[Window]:
    """Return the windows of all faults that were observed, by their beginning."""
    began: dict[str, int] = {}
    seen: dict[str, Fault] = {}
    gone: dict[str, int] = {}
    for each in history.of(Fault):
        if each.stage in {INJECTED, OBSERVED}:
            began[each.fault] = min(each.wall_ns, began.get(each.fault, each.wall_ns))
        if each.stage == OBSERVED:
            seen[each.fault] = each
        if each.stage == GONE:
            gone[each.fault] = each.wall_ns
    found = [Window((f"{each.name} ({of})",), began[of], gone.get(of)) for of, each in seen.items()]
    return sorted(found, key=_began)


def episodes(history: History) -> list[Window]:
    """Return the windows with those that overlap as one."""
    merged: list[Window] = []
    for each in windows(history):
        last = merged[-1] if merged else None
        if last is None or (last.gone_ns is not None and last.gone_ns < each.began_ns):
            merged.append(each)
            continue
        ends = None if None in {last.gone_ns, each.gone_ns} else max(_end(last), _end(each))
        merged[-1] = Window(last.faults + each.faults, last.began_ns, ends)
    return merged


def scenarios_began(history: History) -> list[int]:
    """Return when each scenario of the run began, in order, wall ns."""
    return [each.wall_ns for each in history.of(Process) if (each.name, each.did) == (RUN, BEGINS)]


def before_faults(history: History, found: Sequence[Window]) -> list[tuple[int, int]]:
    """Return for each episode from when to when its scenario ran without faults, wall ns.

    Each scenario has a workload of its own: what is usual in one may be much in another one.
    """
    begins = [0, *sorted(scenarios_began(history))]
    spans: list[tuple[int, int]] = []
    for each in found:
        from_ns = begins[bisect_right(begins, each.began_ns) - 1]
        same = bool(spans) and spans[-1][0] == from_ns
        spans.append(spans[-1] if same else (from_ns, each.began_ns))
    return spans


class Phases:
    """Look up in which phase something was; between two episodes is after the first."""

    def __init__(self, history: History) -> None:
        self._episodes = episodes(history)
        self._began = [each.began_ns for each in self._episodes]

    def of(self, began_ns: int, ended_ns: int) -> str:
        """Return DURING for what was under way in an episode, else BEFORE or AFTER."""
        at = bisect_right(self._began, ended_ns) - 1
        if at < 0:
            return BEFORE
        gone_ns = self._episodes[at].gone_ns
        return DURING if gone_ns is None or gone_ns >= began_ns else AFTER


def _began(window: Window) -> int:
    return window.began_ns


def _end(window: Window) -> int:
    return window.gone_ns or 0
