"""Do one thing on many hosts at once, each under its own deadline, and keep every answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.errors import QuantumError

#: Hosts worked on at the same time; sshd lets about ten unauthenticated connections wait.
MOST_AT_ONCE = 32

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T, R]):
    """What came of one item: a result or the error that a person is shown."""

    item: T
    result: R | None = None
    error: QuantumError | None = None


def each(
    items: Sequence[T], work: Callable[[T], R], meanwhile: Callable[[], None] | None = None
) -> list[Answer[T, R]]:
    """Run `work` on every item in threads and return the answers in the items' order.

    Only errors that a user can cause are kept as answers; a defect is raised as it is, after all
    other items have come to their end, so that no host is left in the middle of something.
    `meanwhile` runs beside them and only makes ready what is asked for again later: that it fails
    is told then.
    """
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(items))) as pool:
        futures: list[Future[R]] = [pool.submit(work, item) for item in items]
        if meanwhile:
            with contextlib.suppress(Exception):
                meanwhile()
    answers = []
    for item, future in zip(items, futures, strict=True):
        error = future.exception()
        if error is None:
            answers.append(Answer(item, result=future.result()))
        elif isinstance(error, QuantumError):
            answers.append(Answer(item, error=error))
        else:
            raise error
    return answers


def results(answers: Sequence[Answer[T, R]]) -> list[R]:
    """Return the results of the answers that have no error."""
    return [
        answer.result for answer in answers if answer.error is None and answer.result is not None
    ]


def errors(answers: Sequence[Answer[T, R]]) -> list[QuantumError]:
    """Return the errors among the answers."""
    return [answer.error for answer in answers if answer.error is not None]
