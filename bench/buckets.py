"""Fill minutes' buckets the way count.lua leaves them, without counting entry by entry."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

from bench.traffic import DECISIONS, MANY_REASONS, MANY_SYMBOLS
from streams.apply_result import ApplyResult
from streams.folding import fold


def everything(times: int) -> Mapping[str, int]:
    """Return the fields of a minute in which each symbol met each reason so many times."""
    return _fields(
        (symbol, reason) for symbol in MANY_SYMBOLS for reason in MANY_REASONS for _ in range(times)
    )


def some(count: int, chance: random.Random) -> Mapping[str, int]:
    """Return the fields of a minute with so many events, each of any symbol and reason."""
    return _fields((chance.choice(MANY_SYMBOLS), chance.choice(MANY_REASONS)) for _ in range(count))


def fill(client: Any, key: str, fields: Mapping[str, int]) -> None:
    """Write a bucket."""
    client.hset(key, mapping=dict(fields))


def add(client: Any, key: str, fields: Mapping[str, int]) -> None:
    """Raise counts of a bucket."""
    pipeline = client.pipeline(transaction=False)
    for name, count in fields.items():
        pipeline.hincrby(key, name, count)
    pipeline.execute()


def _fields(events: Iterable[tuple[str, str]]) -> Mapping[str, int]:
    results = (
        ApplyResult(DECISIONS[number % len(DECISIONS)], reason, 0, symbol, None)
        for number, (symbol, reason) in enumerate(events)
    )
    (fields,) = fold(results).buckets.values()
    return fields
