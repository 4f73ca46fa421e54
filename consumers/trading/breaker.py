"""A circuit breaker: after failures in a row ask no more for a while, then ask once. Pure.

The clock is passed in: seconds of any steady clock.
"""

from __future__ import annotations

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"
#: As a metric.
AS_NUMBER = {CLOSED: 0, HALF_OPEN: 1, OPEN: 2}


class Breaker:
    """Counts failures in a row; `state` says whether to ask."""

    def __init__(self, failures: int, open_s: float) -> None:
        self._most, self._open_s = failures, open_s
        self._failed = 0
        self._open_until: float | None = None
        self.cause = ""

    def state(self, now_s: float) -> str:
        """Return closed; open: ask nothing; half_open: the next answer decides."""
        if self._open_until is None:
            return CLOSED
        return OPEN if now_s < self._open_until else HALF_OPEN

    def left_s(self, now_s: float) -> float:
        """Return how long it stays open, in seconds; 0 where it is not."""
        return max(0.0, self._open_until - now_s) if self._open_until is not None else 0.0

    def answered(self) -> None:
        """Hear that the exchange answered, be it yes or no."""
        self._failed, self._open_until, self.cause = 0, None, ""

    def failed(self, now_s: float, cause: str) -> None:
        """Hear that it did not; a failed probe opens it again at once."""
        self._failed += 1
        if self._failed >= self._most or self._open_until is not None:
            self._open(now_s, self._open_s, cause)

    def throttled(self, now_s: float, wait_s: float, cause: str) -> None:
        """Hear that the exchange wants to be left alone for so long."""
        self._open(now_s, wait_s, cause)

    def _open(self, now_s: float, for_s: float, cause: str) -> None:
        self._open_until = max(self._open_until or 0.0, now_s + for_s)
        self.cause = cause
