"""Hear SIGTERM and SIGINT, and let waits end early for them."""

from __future__ import annotations

import signal
import time

#: How long a wait goes without looking whether to stop, in seconds.
SLICE_S = 0.05


class Stop:
    """True once the process was asked to stop."""

    def __init__(self) -> None:
        self._asked = False

    def __bool__(self) -> bool:
        return self._asked

    def listen(self) -> None:
        """Take the signals; what is under way when one comes is finished."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        self._asked = True

    def wait(self, seconds: float) -> None:
        """Wait so long, or until asked to stop."""
        end = time.monotonic() + seconds
        while not self._asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(SLICE_S, left))
