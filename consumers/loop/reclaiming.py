"""Take over what dead consumers of the group left pending; the living keep theirs, however slow."""

from __future__ import annotations

import time
from collections.abc import Callable

from consumers.loop.context import Context
from consumers.loop.settings import Settings
from streams import keys, scripting

#: How many entries one run takes over.
MOST = 500
#: How often one looks, in seconds.
LONGEST_PAUSE_S = 2.0


class Reclaimer:
    """Looks for the dead now and then, on an idle stream too."""

    def __init__(
        self, context: Context[Settings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context, self._clock = context, clock
        self._idle_ms = context.settings.claim_idle_ms
        self._pause_s = min(self._idle_ms / 2000, LONGEST_PAUSE_S)
        self._look_at = 0.0

    def run(self) -> int:
        """Return how many entries are ours now, 0 also where it is not yet time to look."""
        if self._clock() < self._look_at:
            return 0
        place, log = self._context.place, self._context.log
        claimed, lost = scripting.run(
            self._context.client,
            "reclaim",
            [place.stream, place.status],
            [place.group, place.consumer, self._idle_ms, MOST, keys.heartbeat(place.group, "")],
        )
        if claimed:
            self._context.metrics.add("taken_over_total", claimed)
            log.warning("took over what a dead consumer left", entries=claimed)
        if lost:
            self._context.metrics.add("lost_total", len(lost))
            log.error("LOST: trimmed away before they were settled", ids=lost, stream=place.stream)
        if claimed + len(lost) < MOST:
            self._look_at = self._clock() + self._pause_s
        return int(claimed)
