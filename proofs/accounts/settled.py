"""Read which entries a group has settled, by ids, as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proofs.reading import (
    POSITION,
    gone_up_to_ms,
    newest_first,
    plain,
    position,
    position_commands,
    together,
)
from proofs.scene import Scene
from streams import keys
from streams.ids import id_key

READ_AT_MOST = 500_000
PENDING_AT_MOST = 100_000

Taker = Callable[[str, Mapping[str, str], bool], None]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a stream and its group stood, with what else was read in the same transaction."""

    place: Mapping[str, Any]
    pending: frozenset[str]
    status: Mapping[str, str]
    others: list[Any] = field(default_factory=list)

    @property
    def at_ms(self) -> int:
        """Return when that was, by Redis's clock."""
        return int(self.place["at_ms"])


def moment(scene: Scene, status: str, *commands: tuple[Any, ...]) -> Moment:
    """Read the group's place, its pending ids, its status hash and more, all at once."""
    answers = together(
        scene.redis,
        *position_commands(scene.stream, scene.group),
        ("xpending_range", scene.stream, scene.group, "-", "+", PENDING_AT_MOST),
        ("hgetall", status),
        *commands,
    )
    pending, state, *others = answers[POSITION:]
    ids = frozenset(each["message_id"] for each in pending or ())
    return Moment(position(answers[:POSITION], scene.group), ids, state or {}, others)


def read_back(scene: Scene, at: Moment, oldest_ms: int, take: Taker) -> dict[str, Any]:
    """Give `take` every entry that was delivered, newest first, and whether it is pending.

    Returns how much was read, from when on nothing is missing, and whether nothing was left out.
    """
    floor_ms, read, whole = max(oldest_ms, gone_up_to_ms(at.place)), 0, not at.place["gone"]
    delivered = at.place["group"]["last_delivered_id"]
    for page in newest_first(scene.redis, scene.stream, delivered):
        for raw_id, fields in page:
            entry = plain(raw_id)
            if id_key(entry)[0] >= oldest_ms:
                take(entry, plain(fields), entry in at.pending)
                read += 1
        last_ms = id_key(plain(page[-1][0]))[0]
        if read >= READ_AT_MOST or last_ms < oldest_ms:
            floor_ms, whole = max(floor_ms, last_ms if read >= READ_AT_MOST else oldest_ms), False
            break
    return {"read": read, "floor_ms": floor_ms, "whole": whole}


def frame(scene: Scene, at: Moment) -> dict[str, Any]:
    """Return what every account's evidence says first."""
    return {
        "stream": scene.stream,
        "wanted": scene.group,
        "place": dict(at.place),
        "pending": len(at.pending),
        "moved": at.status.get(keys.group_moved(scene.stream, scene.group)),
    }


def dead_letters(scene: Scene, oldest_ms: int) -> dict[str, int]:
    """Return how often each entry of the stream was given up on since `oldest_ms`."""
    found: dict[str, int] = {}
    stream = keys.dead_letters(scene.stream)
    for page in newest_first(scene.redis, stream, "+"):
        for raw_id, fields in plain(page):
            if id_key(raw_id)[0] < oldest_ms:
                return found
            entry = fields.get("original_id", "")
            found[entry] = found.get(entry, 0) + 1
    return found


def totals(status: Mapping[str, str], *names: str) -> int | None:
    """Return the sum of a status hash's totals, None where it holds none of them."""
    held = [status[name] for name in names if name in status]
    return sum(int(value) for value in held) if held else None
