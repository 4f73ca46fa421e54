"""Let the simulated exchange's clock be ahead of everybody's, or behind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fault_injection.exchange_simulator.steering import change, look, now_ms

#: What a request is refused with whose time is too old, or yet to come.
REFUSED = "refused -1021"
#: Two clocks that agree are asked within so many milliseconds.
CLOSE_MS = 900


class Skew:
    """One shift of the clock, and back."""

    def __init__(self, word: Mapping[str, Any], url: str) -> None:
        self._ahead_ms, self._url = int(word["ahead_ms"]), url
        self._after = 0

    def inject(self) -> str:
        """Set it."""
        self._after = len(look(self._url, "log")["calls"])
        change(self._url, "clock", ahead_ms=self._ahead_ms)
        return f"the exchange's clock is {self._ahead_ms} ms ahead"

    def observed(self) -> str:
        """Return how many calls were refused for their time, by the simulator's own record."""
        said = look(self._url, "log", after=self._after)["calls"]
        hit = [each for each in said if each["effect"] == REFUSED]
        return f"{len(hit)} of {len(said)} calls were {REFUSED}" if hit else ""

    def undo(self) -> None:
        """Set it back."""
        change(self._url, "clock", ahead_ms=0)

    def gone(self) -> str:
        """Return that it says what time it is."""
        apart_ms = now_ms(self._url) - time.time_ns() // 1_000_000
        return f"its clock is {apart_ms} ms ahead" if abs(apart_ms) < CLOSE_MS else ""
