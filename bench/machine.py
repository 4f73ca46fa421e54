"""Look how busy this machine is with other things: what is measured beside them tells little."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: So long one looks, in seconds; and so much of all processors others may use.
LOOK_S, QUIET_BELOW = 1.0, 0.10


def busy_share() -> float:
    """Return which share of all processors is in use now (0 to 1)."""
    busy, total = _ticks()
    time.sleep(LOOK_S)
    busy_then, total_then = _ticks()
    return (busy_then - busy) / max(total_then - total, 1)


def words(before: float, after: float) -> str:
    """Return what to say of the machine, with how busy it was before the run and after."""
    said = f"{os.cpu_count()} cores, {before:.0%} busy before, {after:.0%} after"
    if max(before, after) < QUIET_BELOW:
        return said
    return f"{said}: NOT QUIET, so speeds are too low and latencies too high"


def _ticks() -> tuple[int, int]:
    numbers = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = numbers[3] + numbers[4]
    return sum(numbers) - idle, sum(numbers)
