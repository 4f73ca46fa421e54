"""Break the consumer on purpose at named points, as QUANTUM_FAILPOINTS says; off unless it is set.

    QUANTUM_FAILPOINTS="execution.after_submit=1*kill;router.before_route=3*off->delay(200)"

A point runs a chain of tasks: `N*task` for its next N visits, a task without a count from then on.
Tasks: kill (SIGKILL), stop (SIGSTOP), exit (code 1), error (as if Redis had hung up), delay(ms),
off. The grammar follows the failpoints of other databases, so that a schedule can be read.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from redis.exceptions import ConnectionError as LinkError

_POINT = re.compile(r"([a-z_]+(?:\.[a-z_]+)+)=(.+)")
_TASK = re.compile(r"(?:([0-9]{1,9})\*)?(off|kill|stop|exit|error|delay\(([0-9]{1,6})\))")


class Task(NamedTuple):
    """What happens at a visit; `visits` is for how many, None for all that follow."""

    what: str
    visits: int | None
    delay_ms: int = 0


Schedule = dict[str, list[Task]]


def parse(text: str) -> Schedule:
    """Return point -> tasks in turn. Raises ValueError with what is wanted. Pure."""
    schedule: Schedule = {}
    for words in filter(None, (each.strip() for each in text.split(";"))):
        point = _POINT.fullmatch(words)
        if not point:
            raise ValueError("points like service.point=1*kill, separated by ;")
        if point[1] in schedule:
            raise ValueError(f"each point once: {point[1]} comes twice")
        schedule[point[1]] = [_task(each.strip()) for each in point[2].split("->")]
    return schedule


def checked(text: str) -> str:
    """Return the text if it can be understood; raises ValueError."""
    parse(text)
    return text


def _task(text: str) -> Task:
    found = _TASK.fullmatch(text)
    if not found:
        raise ValueError("tasks kill, stop, exit, error, delay(ms) or off, each perhaps after N*")
    what = found[2].partition("(")[0]
    return Task(what, int(found[1]) if found[1] else None, int(found[3] or 0))


def install(text: str) -> Callable[[str], None]:
    """Return what the consumer calls at each of its points."""
    schedule = parse(text)
    if not schedule:
        return _nothing
    visited: dict[str, int] = {}

    def visit(point: str) -> None:
        if point in schedule:
            visited[point] = visited.get(point, 0) + 1
            _do(at_visit(schedule[point], visited[point]), point)

    return visit


def at_visit(tasks: list[Task], visit: int) -> Task:
    """Return what happens at the n-th visit (from 1) of a point. Pure."""
    for task in tasks:
        if task.visits is None or visit <= task.visits:
            return task
        visit -= task.visits
    return Task("off", None)


def _nothing(_: str) -> None:
    return


def _do(task: Task, point: str) -> None:
    match task.what:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "exit":
            os._exit(1)
        case "error":
            raise LinkError(f"failpoint {point}")
        case "delay":
            time.sleep(task.delay_ms / 1000)
