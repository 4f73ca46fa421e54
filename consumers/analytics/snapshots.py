"""Show the windows: what the last minutes' buckets sum to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from streams import keys, windows
from streams.apply_result import DECISIONS

_TOTALS = tuple(f"decision:{decision}" for decision in DECISIONS)


class Snapshots:
    """Replaces all windows every interval.

    Closed minutes are kept here. Every event of a minute raises one of its decisions, so five
    numbers tell whether a late one came, whoever counted it; only then the minute is read again.
    """

    def __init__(
        self, context: Context[Settings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._clock = context.client, clock
        self._every_s = context.settings.snapshot_interval_s
        self._closed: dict[str, tuple[tuple[str | None, ...], dict[str, int]]] = {}
        self._due_at = 0.0

    def due_in_s(self) -> float:
        """Return how long until the next one, in seconds."""
        return max(0.0, self._due_at - self._clock())

    def take(self) -> None:
        """Replace the windows now."""
        self._due_at = self._clock() + self._every_s
        # Redis's clock: the one that names the entries
        seconds, micros = self._client.execute_command("TIME")
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        buckets = self._buckets(windows.minutes_of(max(windows.WINDOWS.values()), now_ms))
        pipeline = self._client.pipeline(transaction=True)
        for name, minutes in windows.WINDOWS.items():
            total = windows.summed(
                buckets[minute] for minute in windows.minutes_of(minutes, now_ms)
            )
            _replace(pipeline, keys.decision_counts(name), windows.decisions(total), "hset")
            _replace(pipeline, keys.top_reasons(name), windows.top_reasons(total), "zadd")
        pipeline.execute()

    def _buckets(self, minutes: list[str]) -> dict[str, dict[str, int]]:
        pipeline = self._client.pipeline(transaction=False)
        for minute in minutes:
            pipeline.hmget(keys.bucket(minute), _TOTALS)
        totals = dict(zip(minutes, map(tuple, pipeline.execute()), strict=True))
        kept = {
            minute: each
            for minute, each in self._closed.items()
            if minute in totals and each[0] == totals[minute]
        }
        wanted = [minute for minute in minutes if minute not in kept]
        for minute in wanted:
            pipeline.hgetall(keys.bucket(minute))
        for minute, fields in zip(wanted, pipeline.execute(), strict=True):
            kept[minute] = (totals[minute], _counts(fields))
        self._closed = {minute: each for minute, each in kept.items() if minute != minutes[0]}
        return {minute: each[1] for minute, each in kept.items()}


def _counts(fields: Mapping[str, str]) -> dict[str, int]:
    """Return the fields that are counts; what else stands there was not written by us."""
    return {name: int(n) for name, n in fields.items() if n.isascii() and n.isdigit()}


def _replace(pipeline: Any, key: str, counts: Mapping[str, int], write: str) -> None:
    pipeline.delete(key)
    if counts:
        getattr(pipeline, write)(key, mapping=dict(counts))
        pipeline.expire(key, keys.SNAPSHOT_TTL_S)
