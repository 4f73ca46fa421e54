"""How much memory a day's keys take, as Redis itself measures it (MEMORY USAGE, all of it sampled).

50 symbols x 20 reasons, one bucket for each of 1,440 minutes, and the windows' keys. What a minute
takes hangs on how many different fields it has, so on how much happens: a decision for each symbol
every 50 s is one event a second. Buckets live for two days: twice as much stands at most.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bench import buckets
from bench.results import Result, Spread, at_most, ratios
from bench.run import Run
from bench.traffic import MANY_REASONS, SEED
from streams import keys, windows

TOPIC = "a day's keys"
SEEDS_MB = 50.0
MB = 1024 * 1024
DAY = 1_440
#: 2026-01-01T00:00 UTC, in minutes since the epoch: a day from here.
FIRST = 29_454_720

Make = Callable[[random.Random], Mapping[str, int]]


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    rates: tuple[tuple[str, Make, bool], ...] = (
        ("1 event/s", lambda chance: buckets.some(60, chance), True),
        ("10 events/s", lambda chance: buckets.some(600, chance), False),
        ("each symbol with each reason in each minute", lambda _: buckets.everything(1), False),
    )
    for about, make, promised in rates:
        with run.server() as server, server.client() as client:
            day_mb = _day_mb(client, make, run.scale.minutes)
        yield Result(
            topic=TOPIC, what=about, value=Spread.of([day_mb]), unit="MB",
            ratio=ratios([day_mb], [SEEDS_MB]), against="to the seeds' 50 MB",
            target=at_most(SEEDS_MB) if promised else None,
            note="" if run.scale.minutes == DAY else f"from {run.scale.minutes} minutes",
        )  # fmt: skip


def _day_mb(client: Any, make: Make, minutes: int) -> float:
    chance = random.Random(SEED)  # noqa: S311  the same day each time
    of_buckets = 0
    for number in range(minutes):
        key = keys.bucket(keys.minute_name(FIRST + number))
        buckets.fill(client, key, make(chance))
        client.expire(key, 10 * keys.BUCKET_TTL_S)
        of_buckets += _bytes(client, key)
    return (of_buckets * DAY / minutes + _windows(client)) / MB


def _windows(client: Any) -> int:
    """Return what the windows' eight keys take, full as they can be."""
    total = 0
    for window in windows.WINDOWS:
        counts, top = keys.decision_counts(window), keys.top_reasons(window)
        client.hset(counts, mapping={"EXECUTE": 10**6, "SKIP": 10**6, "BLOCKED": 10**6})
        client.zadd(top, dict.fromkeys(MANY_REASONS, 10**6))
        total += _bytes(client, counts) + _bytes(client, top)
    return total


def _bytes(client: Any, key: str) -> int:
    return int(client.memory_usage(key, samples=0))
