"""Threads of a run: each has one thing to do, and what goes wrong in one is raised by the run."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from harness.errors import UnreachableError

#: A thread that was told to end has this long, in seconds: a deploy comes to its end first.
END_WITHIN_S = 900.0
#: What a task returns that is to be done again, so much later, in seconds: others go first.
AGAIN, AGAIN_IN_S = object(), 0.2


class Worker:
    """Does what it is given, in order, in a thread of its own; a task may ask to go on later."""

    def __init__(self, name: str) -> None:
        self._todo: queue.Queue[Callable[[], object] | None] = queue.Queue()
        self._again: deque[tuple[float, Callable[[], object]]] = deque()  #: from when on, and what
        self._ending = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._left = 0
        self._lock = threading.Lock()
        self.error: BaseException | None = None
        self._thread.start()

    def give(self, task: Callable[[], object]) -> None:
        """Have something done after all that was given before."""
        with self._lock:
            self._left += 1
        self._todo.put(task)

    @property
    def idle(self) -> bool:
        """Whether all is done that was given, or one thing went wrong."""
        with self._lock:
            return self._left == 0 or self.error is not None

    def end(self) -> None:
        """Do what is left, then end; raises what went wrong."""
        self._todo.put(None)
        self._thread.join(END_WITHIN_S)
        if self.error:
            raise self.error
        if self._thread.is_alive():
            raise UnreachableError(
                f"no end within {END_WITHIN_S:.0f} s", step=self._thread.name,
                action="invoke faults.heal, then invoke faults.resume",
            )  # fmt: skip

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                again = task() is AGAIN
            except BaseException as error:  # noqa: BLE001  the run raises it
                self.error = error
                return
            if again:
                self._again.append((time.monotonic() + AGAIN_IN_S, task))
                continue
            with self._lock:
                self._left -= 1

    def _next(self) -> Callable[[], object] | None:
        """Return what was given, else what is to be done again once it is time; None at the end."""
        while self._again or not self._ending:
            waits_s = max(0.0, self._again[0][0] - time.monotonic()) if self._again else None
            try:
                task = self._todo.get(timeout=waits_s)
            except queue.Empty:
                return self._again.popleft()[1]
            if task is not None:
                return task
            self._ending = True
        return None


@contextlib.contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Have work done in a thread while the block runs; it ends when the event is set."""
    stop, worker = threading.Event(), Worker(work.__qualname__)
    worker.give(lambda: work(stop))
    try:
        yield
    finally:
        stop.set()
        worker.end()
