"""P3.5: count every apply.result once, by minute, decision and reason, and show the windows.

python -m consumers.decision_intelligence [--once | --check-config [ENV_FILE]]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from consumers.analytics.catching_up import SHORTEST, CatchUp
from consumers.analytics.counting import Counter
from consumers.analytics.settings import Settings
from consumers.analytics.snapshots import Snapshots
from consumers.loop import running
from consumers.loop.context import Context
from consumers.loop.reading import Entry, Place
from streams import keys

#: For so long at a time the backlog alone is seen to, in seconds.
CATCH_UP_S = 1.0


def place(wanted: Settings) -> Place:
    """Return where it reads."""
    stream, group = wanted.stream_apply_result, wanted.group_decision_intelligence
    return Place.at(stream, group, wanted.consumer_name, keys.STATUS)


class Analytics:
    """Counts in batches and shows the windows every interval."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context = context
        self._counter, self._catch_up = Counter(context), CatchUp(context)
        self._snapshots = Snapshots(context)

    @property
    def size(self) -> int:
        """Return how much to read next, after what the last batches cost."""
        return self._counter.size

    @property
    def own_size(self) -> int:
        """Return the same: every entry can be counted, so no attempt needs to stand alone."""
        return self._counter.size

    def take(self, entries: list[Entry]) -> None:
        """Count a batch; after a large one, what waits behind it."""
        self._counter.count(entries)
        if len(entries) >= SHORTEST:
            pause_at = time.monotonic() + CATCH_UP_S
            self._catch_up.run(self._counter.size, lambda: self._pause(pause_at))

    def due_in_s(self) -> float:
        """Return how long until the next snapshot, in seconds."""
        return self._snapshots.due_in_s()

    def tick(self, state: str) -> None:
        """Replace the windows."""
        del state  # the loop tells it
        self._snapshots.take()

    def held(self) -> str:
        """Return that nothing keeps it from reading."""
        return ""

    def about(self) -> Mapping[str, str | int]:
        """Return nothing beside the loop's own words: the count script keeps the totals."""
        return {}

    def _pause(self, at: float) -> bool:
        return bool(self._context.stop) or time.monotonic() >= at or self.due_in_s() == 0


CONSUMER = running.Consumer("decision_intelligence", Settings, place, Analytics)

if __name__ == "__main__":
    sys.exit(running.main(CONSUMER, sys.argv[1:], os.environ))
