"""Read a stream and its group in one transaction, so that the numbers belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from redis.exceptions import ResponseError

from streams.ids import id_key

#: How many entries one reply may carry.
PAGE = 5_000


def plain(value: Any) -> Any:
    """Return a reply with text for bytes, whatever protocol and decoding the client has."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {plain(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def together(redis: Any, *commands: tuple[Any, ...]) -> list[Any]:
    """Run commands as one MULTI; a command's own error stands in its place as None."""
    pipeline = redis.pipeline(transaction=True)
    for words in commands:
        getattr(pipeline, words[0])(*words[1:])
    answers = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, ResponseError):
            raise answer
    return [None if isinstance(a, Exception) else plain(a) for a in answers]


POSITION = 5  #: how many commands `position_commands` returns


def position_commands(stream: str, group: str) -> tuple[tuple[Any, ...], ...]:
    """Return what to run, in one transaction, to know where a group stands."""
    return (
        ("time",),
        ("xinfo_stream", stream),
        ("xinfo_groups", stream),
        ("xinfo_consumers", stream, group),
        ("xpending", stream, group),
    )


def position(answers: list[Any], group: str) -> dict[str, Any]:
    """Return where a stream and its group stand, as JSON; `group` is None where there is none."""
    (seconds, micros), stream, groups, consumers, pending = answers
    stream = stream or {}
    at = {
        "at_ms": int(seconds) * 1000 + int(micros) // 1000,
        "last_id": stream.get("last-generated-id", "0-0"),
        "max_deleted_id": stream.get("max-deleted-entry-id", "0-0"),
        "gone": max(0, int(stream.get("entries-added", 0)) - int(stream.get("length", 0))),
        "first_id": (stream.get("first-entry") or [stream.get("last-generated-id", "0-0")])[0],
    }
    found = next((each for each in groups or () if each["name"] == group), None)
    if found is None or pending is None:
        return {**at, "group": None}
    return {
        **at,
        "group": {
            "last_delivered_id": found["last-delivered-id"],
            "reported_lag": found.get("lag"),
            "pending": pending["pending"],
            "oldest_pending_id": pending["min"],
            "consumers": sorted(each["name"] for each in consumers or ()),
        },
    }


def gone_up_to_ms(place: Mapping[str, Any]) -> int:
    """Return the newest time an entry can have had that is no longer in the stream; 0: none is.

    A trim takes from the front, so what it took is older than the first entry; a delete in the
    middle raises max_deleted_id.
    """
    trimmed = id_key(place["first_id"])[0] if place["gone"] else 0
    return max(trimmed, id_key(place["max_deleted_id"])[0])


def count_after(redis: Any, stream: str, after: str, cap: int) -> int:
    """Count entries by their ids, past `after`, up to `cap` (then: at least that many)."""
    count = 0
    while count < cap:
        page = plain(redis.xrange(stream, min=f"({after}", max="+", count=min(PAGE, cap - count)))
        if not page:
            break
        count += len(page)
        after = page[-1][0]
    return count


def after(redis: Any, stream: str, last: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield entries past the id `last` with their fields, oldest first, as text."""
    while page := plain(redis.xrange(stream, min=f"({last}", max="+", count=PAGE)):
        yield from ((entry, fields) for entry, fields in page)
        last = page[-1][0]


def newest_first(redis: Any, stream: str, newest: str) -> Iterator[list[tuple[Any, Any]]]:
    """Yield pages of entries as the client gives them, from `newest` back to the beginning."""
    upper = newest
    while True:
        page = redis.xrevrange(stream, max=upper, min="-", count=PAGE)
        if not page:
            return
        yield page
        upper = f"({plain(page[-1][0])}"
