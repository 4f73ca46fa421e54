"""Choose how much to read at once, so that one script keeps others waiting for 2 ms at most."""

from __future__ import annotations

import time
from typing import Any

#: What one script may take of the server's time, in seconds: others wait as long for theirs.
SCRIPT_S = 0.001
#: No batch grows smaller, or the way there and back is all that is left.
SMALLEST = 100
#: The first batch, before anything is known of what one costs.
FIRST = 500


class Sizing:
    """`size` is how much to read next, after what the last batches cost."""

    def __init__(self, client: Any, largest: int) -> None:
        self._client, self._largest = client, largest
        self.size = min(largest, FIRST)
        self._way_s = 0.0

    def took(self, done: int, seconds: float) -> None:
        """Take in that a script over `done` entries came back after so long."""
        self.size = next_size(self.size, done, seconds - self._way(), self._largest)

    def _way(self) -> float:
        """Return what the way to Redis and back takes, in seconds.

        A script's own time is the whole less the way: Redis's clock may stand still inside it.
        """
        if not self._way_s:
            for _ in range(3):
                started = time.perf_counter()
                self._client.execute_command("PING")
                took_s = time.perf_counter() - started
                self._way_s = min(self._way_s or took_s, took_s)
        return self._way_s


def next_size(size: int, done: int, took_s: float, largest: int) -> int:
    """Return how much to read next, after a script over `done` entries took `took_s`."""
    if done < min(SMALLEST, largest):
        return size  # mostly the cost of being called at all
    affordable = int(done * SCRIPT_S / max(took_s, 1e-6))
    # a step towards it: one slow run is often another's doing
    return min(largest, max(SMALLEST, (7 * size + affordable) // 8))
