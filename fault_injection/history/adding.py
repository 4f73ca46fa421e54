"""What an apply.result entry adds to its minute's bucket, as a history says it."""

from __future__ import annotations

from collections.abc import Mapping

from streams.apply_result import normalise
from streams.folding import fold


def adds_of(entry: str, fields: Mapping[str, str], *, symbols: bool = True) -> tuple[str, ...]:
    """Return `adds` of a Produced: "YYYYMMDDHHMM field" for each; symbols: as in the buckets."""
    buckets = fold([normalise(entry, fields)], symbols=symbols).buckets
    return tuple(f"{minute} {field}" for minute, of in buckets.items() for field in of)
