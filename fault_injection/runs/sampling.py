"""Look again and again where the groups stand, and remember whether they are at rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import redis

from fault_injection.gathering import sampled
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import Sample
from fault_injection.runs.talking import Line
from harness.errors import UnreachableError

#: Between two looks, in seconds.
EVERY_S = 0.25


class Sampler:
    """Writes positions and samples until it is told to stop; Redis in trouble gives none."""

    def __init__(self, places: Sequence[Place], line: Line, write: Callable[..., None]) -> None:
        self._places, self._line, self._write = places, line, write
        self._lock = threading.Lock()
        self._worst: dict[str, tuple[int, int]] = {}  #: flow -> lag and pending before the faults
        self._good: dict[str, int] = {}  #: flow -> looks in a row no worse than that
        self._counting = False
        self.latest: dict[str, Sample] = {}
        self.latest_at = 0.0  #: monotonic

    def work(self, stop: threading.Event) -> None:
        """Look, write, sleep."""
        while not stop.is_set():
            try:
                self._take(self._line.ask(lambda client: sampled(client, self._places)))
            except (redis.RedisError, UnreachableError):
                self.count_anew()
            stop.wait(EVERY_S)

    def begin_baseline(self) -> None:
        """Take what is seen from now on as how it is without faults."""
        with self._lock:
            self._worst, self._good, self._counting = {}, {}, False

    def end_baseline(self) -> None:
        """Compare what is seen from now on with that."""
        with self._lock:
            self._counting = True

    def count_anew(self) -> None:
        """Count the looks from now on."""
        with self._lock:
            self._good = dict.fromkeys(self._good, 0)

    def back_for(self) -> int:
        """Return how many looks in a row saw every flow no worse than at its baseline."""
        with self._lock:
            return min(self._good.values(), default=0)

    def at_rest(self) -> bool:
        """Tell whether nothing waited in any flow at the last look."""
        with self._lock:
            seen = list(self.latest.values())
        return bool(seen) and all(each.lag == each.pending == 0 for each in seen)

    def most_lag(self) -> int:
        """Return the largest lag at the last look."""
        with self._lock:
            return max((each.lag for each in self.latest.values()), default=0)

    def _take(self, found: Sequence[object]) -> None:
        self._write(*found)
        with self._lock:
            self.latest_at = time.monotonic()
            for each in found:
                if not isinstance(each, Sample):
                    continue
                self.latest[each.flow] = each
                lag, pending = self._worst.get(each.flow, (0, 0))
                if not self._counting:
                    self._worst[each.flow] = max(lag, each.lag), max(pending, each.pending)
                good = each.lag <= lag and each.pending <= pending
                self._good[each.flow] = self._good.get(each.flow, 0) + 1 if good else 0
