"""Show the windows: what the last minutes' buckets sum to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from consumers.analytics.alerting import Alerts
from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from streams import keys, scripting, windows
from streams.apply_result import DECISIONS

_TOTALS = tuple(f"decision:{decision}" for decision in DECISIONS)
#: So many are looked for by name; where there are more, whole buckets are read.
REASONS = 500
#: How often a whole bucket is read to learn reasons from before all that are left are.
LESSONS = 3

#: After an error one tries again so much later, in seconds: reading comes before it.
AGAIN_AFTER_S = 2.0


class Snapshots:
    """Replaces all windows every interval.

    Closed minutes are kept here. Every event of a minute raises one of its decisions, so five
    numbers tell whether a late one came, whoever counted it; only then the minute is read again.
    It raises one reason too: so where the reasons known so far add up to as much as the decisions,
    there is no other, and the many fields of symbols need not be read to find one.
    """

    def __init__(
        self, context: Context[Settings], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client, self._clock = context.client, clock
        self._alerts = Alerts(context)
        self._every_s = context.settings.snapshot_interval_s
        self._closed: dict[str, tuple[tuple[str | None, ...], dict[str, int]]] = {}
        self._reasons: list[str] = []
        self._due_at = 0.0

    def due_in_s(self) -> float:
        """Return how long until the next one, in seconds."""
        return max(0.0, self._due_at - self._clock())

    def take(self) -> None:
        """Replace the windows now, and raise what they give cause for."""
        self._due_at = self._clock() + min(self._every_s, AGAIN_AFTER_S)
        # Redis's clock: the one that names the entries
        seconds, micros = self._client.execute_command("TIME")
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        buckets = self._buckets(windows.minutes_of(max(windows.WINDOWS.values()), now_ms))
        totals = {
            name: windows.summed(buckets[minute] for minute in windows.minutes_of(minutes, now_ms))
            for name, minutes in windows.WINDOWS.items()
        }
        pipeline = self._client.pipeline(transaction=True)
        for name, total in totals.items():
            _replace(pipeline, keys.decision_counts(name), windows.decisions(total), "hset")
            _replace(pipeline, keys.top_reasons(name), windows.top_reasons(total), "zadd")
        pipeline.execute()
        self._alerts.look(totals)
        self._due_at = self._clock() + self._every_s

    def _buckets(self, minutes: list[str]) -> dict[str, dict[str, int]]:
        totals = dict(zip(minutes, self._peek(minutes, _TOTALS), strict=True))
        kept = {
            minute: each
            for minute, each in self._closed.items()
            if minute in totals and each[0] == totals[minute]
        }
        wanted = [minute for minute in minutes if minute not in kept]
        for minute, fields in self._read(wanted).items():
            kept[minute] = (totals[minute], fields)
        self._closed = {minute: each for minute, each in kept.items() if minute != minutes[0]}
        return {minute: each[1] for minute, each in kept.items()}

    def _read(self, minutes: list[str]) -> dict[str, dict[str, int]]:
        """Return what windows are made of, of these minutes."""
        read: dict[str, dict[str, int]] = {}
        left = minutes
        for _ in range(LESSONS):
            names = (*_TOTALS, *self._reasons)
            for minute, values in zip(left, self._peek(left, names), strict=True):
                fields = _counts(zip(names, values, strict=True))
                if _whole(fields):
                    read[minute] = fields
            left = [minute for minute in left if minute not in read]
            if not left:
                return read
            # a new reason: likely it is new in the others too
            read |= self._read_whole(left[:1])
            left = left[1:]
        return read | self._read_whole(left)

    def _read_whole(self, minutes: list[str]) -> dict[str, dict[str, int]]:
        pipeline = self._client.pipeline(transaction=False)
        for minute in minutes:
            pipeline.hgetall(keys.bucket(minute))
        answers = pipeline.execute()
        read = {
            minute: _counts(fields.items()) for minute, fields in zip(minutes, answers, strict=True)
        }
        met = {name for fields in read.values() for name in fields} - set(_TOTALS)
        known = met | set(self._reasons)
        self._reasons = sorted(known if len(known) <= REASONS else met)[:REASONS]
        return read

    def _peek(self, minutes: list[str], names: Sequence[str]) -> list[tuple[str | None, ...]]:
        buckets = [keys.bucket(minute) for minute in minutes]
        answer = scripting.run(self._client, "peek", buckets, names)
        return [tuple(values) for values in answer]


def _whole(fields: Mapping[str, int]) -> bool:
    """Tell whether these are all of a bucket's reasons: each event has a decision and a reason."""
    decided = sum(fields.get(name, 0) for name in _TOTALS)
    return sum(fields.values()) == 2 * decided


def _counts(fields: Iterable[tuple[str, str | None]]) -> dict[str, int]:
    """Return what windows are made of; a value that is no count was not written by us."""
    return {
        name: int(n)
        for name, n in fields
        if n is not None and name.startswith(windows.PREFIXES) and n.isascii() and n.isdigit()
    }


def _replace(pipeline: Any, key: str, counts: Mapping[str, int], write: str) -> None:
    pipeline.delete(key)
    if counts:
        getattr(pipeline, write)(key, mapping=dict(counts))
        pipeline.expire(key, keys.SNAPSHOT_TTL_S)
