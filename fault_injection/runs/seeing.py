"""Watch what Redis is told for as long as the run lasts, on a connection of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence

from fault_injection.gathering import Opened, Place, Watch
from fault_injection.history.writing import Writer
from fault_injection.runs.system import System
from harness.errors import QuantumError

EVERY_S = 0.5


class Watched:
    """A gathering.Watch that a run begins before it looks where all stands."""

    def __init__(self, places: Sequence[Place], system: System) -> None:
        self.opened: Mapping[str, Opened] = {}
        self._refused = ""
        try:
            self._watch: Watch | None = Watch(system.redis(), places)
            self._watch.begin()
        except QuantumError as error:
            self._watch, self._refused = None, str(error)

    @property
    def broken(self) -> str:
        """Return why something may have been missed, "" where nothing was."""
        return self._watch.broken if self._watch else self._refused

    def evidence(self, place: Place) -> tuple[str, ...]:
        """Return what is promised to be seen of a flow, and still is."""
        return self._watch.evidence(place, self.opened[place.flow]) if self._watch else ()

    def work(self, stop: threading.Event, history: Writer) -> None:
        """Write what is seen; once it broke, what is missing could be anything, and it ends."""
        if self._watch is None:
            return
        with contextlib.ExitStack() as stack:
            stack.callback(self._watch.end)
            while not stop.is_set() and not self._watch.broken:
                self._take(history)
                stop.wait(EVERY_S)
        self._take(history)

    def _take(self, history: Writer) -> None:
        assert self._watch is not None
        if seen := self._watch.lines(self.opened):
            history.write(*seen)
