"""Where a group stands on its stream: pending by ids, lag by ids where Redis's own is no truth.

XINFO's lag is nil or wrong once entries were deleted or trimmed past the group's position, so it is
believed only while nothing can have been removed there; else the entries themselves are counted.
Redis 7.0 also forgets how many were read when it loads its AOF, and may say too much until then.
Works with clients that answer in bytes or in text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from streams.ids import ZERO, id_key

#: How many entries one reply may carry.
PAGE = 1_000
#: Where counting by ids gives up; the answer is "at least so many" then.
COUNT_UP_TO = 100_000


@dataclass(frozen=True, slots=True)
class Position:
    """A group's place; `reported_lag` is Redis's own word, None where it has none."""

    last_delivered_id: str
    pending: int
    consumers: int
    reported_lag: int | None


@dataclass(frozen=True, slots=True)
class Lag:
    """How many entries the group was never given; `exact` is False where more may wait."""

    entries: int
    exact: bool


def position(client: Any, stream: str, group: str) -> Position | None:
    """Return where `group` stands, None where the stream or the group is missing."""
    try:
        groups = _execute(client, "XINFO", "GROUPS", stream)
    except ResponseError as error:
        if "no such key" in str(error):
            return None
        raise
    for words in groups:
        of = _pairs(words)
        if of["name"] == group:
            lag = of.get("lag")
            return Position(
                of["last-delivered-id"],
                int(of["pending"]),
                int(of["consumers"]),
                None if lag is None else int(lag),
            )
    return None


def lag(client: Any, stream: str, group: str, *, up_to: int = COUNT_UP_TO) -> Lag | None:
    """Return how many entries `group` was never given, None where there is no such group."""
    place = position(client, stream, group)
    if place is None:
        return None
    of = _pairs(_execute(client, "XINFO", "STREAM", stream))
    if not below(place.last_delivered_id, of["last-generated-id"]):
        return Lag(0, exact=True)
    if place.reported_lag is not None and _nothing_removed(of):
        return Lag(place.reported_lag, exact=True)
    count = 0
    for _ in undelivered_ids(client, stream, place.last_delivered_id, most=up_to + 1):
        count += 1
    return Lag(min(count, up_to), exact=count <= up_to)


def undelivered_ids(
    client: Any, stream: str, after: str = ZERO, *, most: int | None = None
) -> Iterator[str]:
    """Yield the ids past `after` (a last-delivered-id), oldest first, `most` at the most."""
    left = most
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = _execute(client, "XRANGE", stream, f"({after}", "+", "COUNT", size)
        for entry in page:
            yield entry[0]
        if len(page) < size:
            return
        after = page[-1][0]
        left = None if left is None else left - len(page)


def pending_ids(client: Any, stream: str, group: str, consumer: str | None = None) -> Iterator[str]:
    """Yield the ids pending in `group`, of one consumer or of all, oldest first."""
    after = "-"
    while True:
        owner = () if consumer is None else (consumer,)
        page = _execute(client, "XPENDING", stream, group, after, "+", PAGE, *owner)
        for entry in page:
            yield entry[0]
        if len(page) < PAGE:
            return
        after = f"({page[-1][0]}"


def below(one: str, other: str) -> bool:
    """Tell whether an id comes before another."""
    return id_key(one) < id_key(other)


def _nothing_removed(of: Mapping[str, Any]) -> bool:
    return bool(of.get("entries-added") == of["length"] and of.get("max-deleted-entry-id") == ZERO)


def _execute(client: Any, *words: str | int) -> Any:
    """Run a command past the client's own reading of answers, which differs with its settings."""
    pipeline = client.pipeline(transaction=False)
    pipeline.response_callbacks = {}
    pipeline.execute_command(*words)
    return _plain(pipeline.execute()[0])


def _plain(answer: Any) -> Any:
    if isinstance(answer, bytes):
        return answer.decode("utf-8", "replace")
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if isinstance(answer, dict):  # RESP3
        return [part for name, each in answer.items() for part in (_plain(name), _plain(each))]
    return answer


def _pairs(words: list[Any]) -> dict[str, Any]:
    return dict(zip(words[::2], words[1::2], strict=True))
