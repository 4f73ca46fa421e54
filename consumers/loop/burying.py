"""Remove dead consumers from the group, once all they left is taken over; the living stay.

Names are stable, so there should be few. Each name that was given up stays in the group for ever
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
#: How often one looks, in seconds; a start looks at once.
LONGEST_PAUSE_S = 30.0


class Burier:
    """Looks for the dead without anything to leave now and then."""

    def __init__(
        self, context: Context[Settings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context, self._clock = context, clock
        self._idle_ms = context.settings.claim_idle_ms
        self._pause_s = min(self._idle_ms / 100, LONGEST_PAUSE_S)
        self._look_at = 0.0

    def run(self) -> int:
        """Return how many entries are ours now, 0 also where it is not yet time to look."""
        if self._clock() < self._look_at:
            return 0
        place, log = self._context.place, self._context.log
        of_the_group = (place.group, place.consumer, self._idle_ms, MOST_ENTRIES, MOST_CONSUMERS)
        buried, claimed, lost, dropped = scripting.run(
            self._context.client,
            "bury",
            [place.stream, place.status],
            [*of_the_group, keys.heartbeat(place.group, "")],
        )
        if buried:
            self._context.metrics.add("buried_total", len(buried))
            log.warning("removed dead consumers from the group", names=buried, entries=claimed)
        if lost:
            self._context.metrics.add("lost_total", len(lost))
            log.error("LOST: trimmed away before they were settled", ids=lost, stream=place.stream)
        if dropped:
            raise AssertionError(f"bury.lua dropped {dropped} pending entries of {buried}")
        if len(buried) < MOST_CONSUMERS and claimed + len(lost) < MOST_ENTRIES:
            self._look_at = self._clock() + self._pause_s
        return int(claimed)
