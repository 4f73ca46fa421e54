"""Take over what dead consumers of the group left pending; the living keep theirs, however slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from consumers.reading import Place
from streams import keys, scripting

#: How many entries one run takes over.
MOST = 500
#: How often one looks, in seconds.
LONGEST_PAUSE_S = 2.0


class Reclaimer:
    """Looks for the dead now and then, on an idle stream too."""

    def __init__(
        self, client: Any, place: Place, idle_ms: int, log: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._client, self._place, self._idle_ms = client, place, idle_ms
        self._log, self._clock = log, clock
        self._pause_s = min(idle_ms / 2000, LONGEST_PAUSE_S)
        self._look_at = 0.0

    def run(self) -> int:
        """Return how many entries are ours now, 0 also where it is not yet time to look."""
        if self._clock() < self._look_at:
            return 0
        place = self._place
        claimed, lost = scripting.run(
            self._client,
            "reclaim",
            [place.stream, keys.STATUS],
            [place.group, place.consumer, self._idle_ms, MOST, keys.heartbeat(place.group, "")],
        )
        if claimed:
            self._log.warning("took over what a dead consumer left", entries=claimed)
        if lost:
            self._log.error(
                "LOST: trimmed away before they were counted", ids=lost, stream=place.stream
            )
        if claimed + len(lost) < MOST:
            self._look_at = self._clock() + self._pause_s
        return int(claimed)
