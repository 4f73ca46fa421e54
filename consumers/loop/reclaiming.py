"""Take over what dead consumers of the group left, and take the dead off its list.

The living keep theirs, however slow. Each name that was given up would stay in the group for ever
otherwise, and everything that looks through the consumers grows slower with every one of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from consumers.loop.context import Context
from consumers.loop.settings import Settings
from streams import keys, scripting

#: What one run takes over, and how many it removes.
MOST_ENTRIES, MOST_CONSUMERS = 500, 100
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
        place, log, metrics = self._context.place, self._context.log, self._context.metrics
        of_the_group = (place.group, place.consumer, self._idle_ms, MOST_ENTRIES, MOST_CONSUMERS)
        removed, claimed, lost, dropped = scripting.run(
            self._context.client,
            "reclaim",
            [place.stream, place.status],
            [*of_the_group, keys.heartbeat(place.group, "")],
        )
        if claimed:
            metrics.add("taken_over_total", claimed)
            log.warning("took over what a dead consumer left", entries=claimed)
        if removed:
            metrics.add("removed_consumers_total", len(removed))
            log.warning("removed dead consumers from the group", names=removed)
        if lost:
            metrics.add("lost_total", len(lost))
            log.error("LOST: trimmed away before they were settled", ids=lost, stream=place.stream)
        if dropped:
            raise AssertionError(f"reclaim.lua dropped {dropped} pending entries of {removed}")
        if len(removed) < MOST_CONSUMERS and claimed + len(lost) < MOST_ENTRIES:
            self._look_at = self._clock() + self._pause_s
        return int(claimed)
