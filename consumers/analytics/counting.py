"""Count entries exactly once: fold a batch here, then add it where XACK says it is ours to add."""

from __future__ import annotations

import time

from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from consumers.loop.failing import GroupMovedError, SpoiledKeyError
from consumers.loop.giving_up import settle_lost
from consumers.loop.reading import Entry
from streams import keys, scripting
from streams.apply_result import ApplyResult, normalise
from streams.folding import fold

#: What one script may take of the server's time, in seconds: others wait as long for theirs.
SCRIPT_S = 0.002
#: No batch grows smaller, or the way there and back is all that is left.
SMALLEST = 100


class Counter:
    """Counts what was read; `size` is how much to read next, after what the last ones cost."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context, self._client, self._place = context, context.client, context.place
        self._symbols = context.settings.enable_symbol_breakdown
        self._largest = context.settings.batch_size
        self.size = min(self._largest, 500)
        self._way_s = 0.0

    def count(self, entries: list[Entry]) -> int:
        """Count a batch, in the order of its ids, and return how many of it were ours to count.

        Raises GroupMovedError, and SpoiledKeyError with nothing done.
        """
        lost = [entry_id for entry_id, fields in entries if fields is None]
        if lost:
            settle_lost(self._context, lost)
        ids, results = [], []
        for entry_id, fields in entries:
            if fields is not None:
                pairs = iter(fields)
                ids.append(entry_id)
                results.append(normalise(entry_id, dict(zip(pairs, pairs, strict=False))))
        return self._add(ids, results) if ids else 0

    def _add(self, ids: list[str], results: list[ApplyResult]) -> int:
        words = self._words(ids, results)
        started = time.perf_counter()
        answer = scripting.run(self._client, "count", *words)
        took_s = time.perf_counter() - started
        match answer:
            case ["COUNTED", counted]:
                self.size = next_size(self.size, len(ids), took_s - self._way(), self._largest)
                return int(counted)
            case ["SPLIT"]:
                # some of them are not ours: claimed by a peer, or counted before a lost reply
                middle = len(ids) // 2
                first = self._add(ids[:middle], results[:middle])
                return first + self._add(ids[middle:], results[middle:])
            case ["GONE"]:
                raise GroupMovedError("gone while a batch was under way")
            case ["MOVED", how]:
                raise GroupMovedError(how)
            case ["SPOILED", key, why]:
                raise SpoiledKeyError(f"{key}: {why}")
            case other:
                raise AssertionError(f"count.lua gave {other}")

    def _words(
        self, ids: list[str], results: list[ApplyResult]
    ) -> tuple[list[str], list[str | int]]:
        added = fold(results, symbols=self._symbols)
        place = self._place
        buckets = [keys.bucket(minute) for minute in added.buckets]
        args: list[str | int] = [place.group, place.consumer, place.high_water, place.moved]
        args += [f"{results[-1].time_ms / 1000:.3f}", keys.BUCKET_TTL_S, keys.UNKNOWN_TTL_S]
        args += [keys.FIELDS_PER_BUCKET, keys.UNKNOWN_WORDS, len(ids), *ids]
        for fields in (*added.buckets.values(), added.unknown):
            args.append(len(fields))
            for name, count in fields.items():
                args += (name, count)
        return [place.stream, place.status, keys.UNKNOWN_DECISIONS, *buckets], args

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
