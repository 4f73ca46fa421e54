"""Say to count.lua what a batch adds to the buckets, and understand its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consumers.loop.failing import GroupMovedError, SpoiledKeyError
from consumers.loop.reading import Place
from streams import keys
from streams.apply_result import normalise
from streams.batches import RawEntry, tally
from streams.folding import fold_tally


def words(
    place: Place, entries: Sequence[RawEntry], *, symbols: bool, after: str = ""
) -> tuple[list[str], list[str | int]]:
    """Return the script's keys and arguments for entries in the order of their ids.

    `after`: where the group stood as they were seen; "" where they are pending.
    """
    added = fold_tally(tally(entries), symbols=symbols)
    buckets = [keys.bucket(minute) for minute in added.buckets]
    ids = [entry_id for entry_id, _ in entries]
    args: list[str | int] = [place.group, place.consumer, place.high_water, place.moved]
    args += [_last_ts(entries[-1]), keys.BUCKET_TTL_S, keys.UNKNOWN_TTL_S]
    args += [keys.FIELDS_PER_BUCKET, keys.UNKNOWN_WORDS]
    args += [len(ids), ids[0], ids[-1], "" if after else " ".join(ids), after]
    for fields in (*added.buckets.values(), added.unknown):
        args.append(len(fields))
        for each in fields.items():
            args += each
    return [place.stream, place.status, keys.UNKNOWN_DECISIONS, *buckets], args


def counted(answer: Any) -> int | None:
    """Return how many were counted, None where the batch was not ours as a whole.

    Raises GroupMovedError, and SpoiledKeyError: nothing was done then.
    """
    match answer:
        case ["COUNTED", many]:
            return int(many)
        case ["SPLIT"]:
            return None
        case ["GONE"]:
            raise GroupMovedError("gone while a batch was under way")
        case ["MOVED", how]:
            raise GroupMovedError(how)
        case ["SPOILED", key, why]:
            raise SpoiledKeyError(f"{key}: {why}")
        case other:
            raise AssertionError(f"count.lua gave {other}")


def _last_ts(entry: RawEntry) -> str:
    entry_id, fields = entry
    of = normalise(entry_id, dict(zip(fields[::2], fields[1::2], strict=False)))
    return f"{of.time_ms / 1000:.3f}"
