"""Read what producers write as a time, and write a time as they may read it.

Pure and total: a text that names no moment is NaN, which is near nothing.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from streams.ids import id_ms

#: Up to here a number is seconds, up to there milliseconds, beyond it microseconds.
SECONDS_BELOW, MILLISECONDS_BELOW = 1e11, 1e14
#: 9999-12-31T23:59:59.999: the last moment that a minute's name or an ISO text can say.
LATEST_MS = 253_402_300_799_999
#: What is longer names no moment, in characters.
LONGEST = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ENTRY_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")


def said_ms(text: str) -> float:
    """Return the moment that a text names, in milliseconds since the epoch; NaN for none.

    Seconds, milliseconds or microseconds by their magnitude, with or without a fraction; ISO 8601,
    where naive means UTC; the id of an entry.
    """
    return _said_ms(text) if len(text) <= LONGEST else math.nan


@lru_cache(maxsize=4096)
def _said_ms(text: str) -> float:
    if text[4:5] == "-" and (written := _written_ms(text.strip())) == written:
        return written  # most are dates: not even tried as numbers
    try:
        number = float(text)
    except ValueError:
        return _written_ms(text.strip())
    if "_" in text:  # a Python habit, not a number
        return math.nan
    size = abs(number)
    if size < SECONDS_BELOW:
        return number * 1000
    return number if size < MILLISECONDS_BELOW else number / 1000


def _written_ms(text: str) -> float:
    if _ENTRY_ID.fullmatch(text):
        return id_ms(text)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) / _MILLISECOND
    except (ValueError, OverflowError):
        return math.nan


def iso(moment_ms: int) -> str:
    """Return a moment as ISO 8601 in UTC with milliseconds, held inside 1970 to 9999."""
    second, millisecond = divmod(min(max(moment_ms, 0), LATEST_MS), 1000)
    return f"{_iso(second)}.{millisecond:03d}+00:00"


@lru_cache(maxsize=4096)
def _iso(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).isoformat()[:19]
