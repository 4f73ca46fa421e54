"""What every peer counts: the fields that decision intelligence does, under names of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from streams.apply_result import normalise
from streams.folding import fold
from streams.keys import BUCKET_TTL_S

GROUP, CONSUMER = "bench_peer", "one"
STATUS, TOTAL = "bench:status", "processed_total"

Command = tuple[str | int, ...]


def bucket(minute: str) -> str:
    """Return the key of a minute."""
    return f"bench:bucket:{minute}"


def commands(entries: Iterable[tuple[str, Mapping[str, str]]]) -> Iterator[Command]:
    """Yield what a batch adds: each count of a bucket, its lifetime, the total."""
    results = [normalise(entry_id, fields) for entry_id, fields in entries]
    for minute, fields in fold(results).buckets.items():
        for name, count in fields.items():
            yield "HINCRBY", bucket(minute), name, count
        yield "EXPIRE", bucket(minute), BUCKET_TTL_S
    yield "HINCRBY", STATUS, TOTAL, len(results)
