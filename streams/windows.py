"""Windows over the minutes' buckets: which minutes they span, what they sum to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from streams.keys import minute_name

#: Name of a window -> its length in minutes, the current, partial one among them.
WINDOWS = {"1m": 1, "5m": 5, "15m": 15, "1h": 60}
TOP_REASONS = 50

_DECISION = "decision:"
_REASON = "reason:"
#: What the fields of which windows are made begin with; a bucket's many others are left out.
PREFIXES = (_DECISION, _REASON)


def minutes_of(window_min: int, now_ms: int) -> list[str]:
    """Return a window's minutes (YYYYMMDDHHMM), newest, which is the current one, first."""
    current = now_ms // 60_000
    return [minute_name(minute) for minute in range(current, max(current - window_min, -1), -1)]


def summed(buckets: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of buckets, field by field."""
    total: dict[str, int] = {}
    for fields in buckets:
        for name, count in fields.items():
            total[name] = total.get(name, 0) + count
    return total


def decisions(fields: Mapping[str, int]) -> dict[str, int]:
    """Return decision -> count."""
    return _under(_DECISION, fields)


def reasons(fields: Mapping[str, int]) -> dict[str, int]:
    """Return reason -> count, `none` among them."""
    return _under(_REASON, fields)


def top_reasons(fields: Mapping[str, int], most: int = TOP_REASONS) -> dict[str, int]:
    """Return the `most` frequent reasons -> count, the most frequent first; ties break by name."""
    ranked = sorted(reasons(fields).items(), key=lambda each: (-each[1], each[0]))
    return dict(islice(ranked, most))


def _under(prefix: str, fields: Mapping[str, int]) -> dict[str, int]:
    return {name[len(prefix) :]: n for name, n in fields.items() if name.startswith(prefix) and n}
