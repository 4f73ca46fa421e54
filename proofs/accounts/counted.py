"""Decision intelligence: the fold of the settled entries equals the buckets, field for field.

One MULTI reads the group's place, its pending ids and every bucket, so all of it is of one moment,
however busy the stream; what arrives later has higher ids and is left out.

Only minutes are compared whose every entry is still there to be folded: an entry may lie up to
300 s ahead of its own id, so minutes that an entry trimmed away, past the read limit or older than
a bucket's life could have touched are left out and named. processed_total is a second witness.
"""

from __future__ import annotations

import calendar
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proofs.finding import Finding
from proofs.folding import Folded
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
from streams.apply_result import AHEAD_MS
from streams.folding import OVERFLOW
from streams.ids import id_key

BUCKET = keys.bucket("")
#: How long a bucket is sure to live: its time to live, less a margin for clocks and slow proofs.
BUCKET_LIFE_MS = (keys.BUCKET_TTL_S - 600) * 1000
READ_AT_MOST = 2_000_000
PENDING_AT_MOST = 100_000
BUCKETS_AT_MOST = 4_000
#: How often the fold may show a minute whose bucket was not looked at before it is given up.
ROUNDS = 4
STATUS_KEPT = ("processed_total", "last_id", "version")


def gather(scene: Scene) -> dict[str, Any]:
    """Return counts per minute as folded from the entries and as found in the buckets."""
    minutes: set[str] = set()
    for _ in range(ROUNDS):
        minutes |= _minutes(scene)
        answers = together(scene.redis, *_commands(scene, sorted(minutes)))
        place = position(answers[:POSITION], scene.group)
        if place["group"] is None or len(minutes) > BUCKETS_AT_MOST:
            return {**_frame(scene, place), "buckets": len(minutes)}
        pending, status, *hashes = answers[POSITION:]
        buckets = dict(zip(sorted(minutes), hashes, strict=True))
        evidence = _folded(scene, place, {each["message_id"] for each in pending or ()})
        if set(evidence["expected"]) <= minutes:
            break
        minutes |= set(evidence["expected"])
    return {
        **_frame(scene, place),
        **evidence,
        "counted": {m: _counts(found) for m, found in buckets.items() if found},
        "unlooked": sorted(set(evidence["expected"]) - set(buckets)),
        "status": {name: (status or {}).get(name) for name in STATUS_KEPT},
        "moved": (status or {}).get(keys.group_moved(scene.stream, scene.group)),
    }


def _frame(scene: Scene, place: Mapping[str, Any]) -> dict[str, Any]:
    return {"stream": scene.stream, "wanted": scene.group, "place": dict(place)}


def _minutes(scene: Scene) -> set[str]:
    keys = scene.redis.scan_iter(match=f"{BUCKET}{'[0-9]' * 12}", count=1000)
    return {plain(key).removeprefix(BUCKET) for key in keys}


def _commands(scene: Scene, minutes: Iterable[str]) -> list[tuple[Any, ...]]:
    pending = ("xpending_range", scene.stream, scene.group, "-", "+", PENDING_AT_MOST)
    return [
        *position_commands(scene.stream, scene.group),
        pending,
        ("hgetall", keys.STATUS),
        *(("hgetall", f"{BUCKET}{minute}") for minute in minutes),
    ]


def _folded(scene: Scene, place: Mapping[str, Any], pending: set[str]) -> dict[str, Any]:
    """Fold what is settled, newest first; nothing above the high-water id is read."""
    oldest_ms = place["at_ms"] - BUCKET_LIFE_MS
    floor_ms = max(oldest_ms, gone_up_to_ms(place))
    fold, read, settled, whole = Folded(), 0, 0, not place["gone"]
    for page in newest_first(scene.redis, scene.stream, place["group"]["last_delivered_id"]):
        entries = [(plain(raw_id), fields) for raw_id, fields in page]
        done = [(entry, fields) for entry, fields in entries if entry not in pending]
        fold.add(done)
        read, settled = read + len(entries), settled + len(done)
        last_ms = id_key(entries[-1][0])[0]
        if read >= READ_AT_MOST or last_ms < oldest_ms:
            floor_ms, whole = max(floor_ms, last_ms), False
            break
    # A trim during the reading takes the oldest entries away: those minutes are left out too.
    answers = together(scene.redis, *position_commands(scene.stream, scene.group))
    now = position(answers, scene.group)
    return {
        "read": read,
        "settled": settled,
        "pending": len(pending),
        "floor_ms": max(floor_ms, gone_up_to_ms(now)),
        "whole": whole and not now["gone"],
        "expected": fold.minutes(),
    }


def _counts(bucket: Mapping[str, str]) -> dict[str, int]:
    kept = ("decision:", "reason:", OVERFLOW)
    return {name: int(value) for name, value in bucket.items() if name.startswith(kept)}


def check(evidence: Mapping[str, Any]) -> Finding:  # noqa: PLR0911 - one return per verdict
    """Compare fold and buckets, minute for minute; then hear the second witness."""
    group = evidence["place"]["group"]
    if group is None:
        return Finding.refuted(f"{evidence['stream']} has no group {evidence['wanted']}")
    if "expected" not in evidence:
        return Finding.unknown(f"{evidence['buckets']} buckets are too many to read as one moment")
    if group["pending"] != evidence["pending"]:
        return Finding.unknown(f"{group['pending']} entries are pending, too many to tell apart")
    if evidence["moved"]:
        return Finding.unknown(f"the group was moved, so ids tell nothing: {evidence['moved']}")
    if evidence["unlooked"]:
        return Finding.unknown("new minutes kept appearing: the buckets were never seen whole")
    expected, counted = evidence["expected"], evidence["counted"]
    minutes = sorted({*expected, *counted})
    covered = [m for m in minutes if start_ms(m) > evidence["floor_ms"] + AHEAD_MS]
    lost: Counter[str] = Counter()
    doubled: Counter[str] = Counter()
    for minute in covered:
        for field, off in differences(expected.get(minute, {}), counted.get(minute, {})):
            (doubled if off > 0 else lost)[f"{minute} {field}"] = abs(off)
    numbers: dict[str, object] = {
        "settled": evidence["settled"],
        "pending": evidence["pending"],
        "minutes": len(covered),
        "left_out": len(minutes) - len(covered),
        "events": sum(_decisions(expected.get(minute, {})) for minute in covered),
        "processed_total": evidence["status"]["processed_total"],
    }
    if lost or doubled:
        return Finding.refuted(*_told("lost", lost), *_told("doubled", doubled), **numbers)
    if not numbers["events"]:
        return Finding.unknown("no settled event is in a minute that can be compared", **numbers)
    return _witnessed(evidence, numbers)


def _witnessed(evidence: Mapping[str, Any], numbers: dict[str, object]) -> Finding:
    total = evidence["status"]["processed_total"]
    if evidence["whole"] and total is not None and int(total) != evidence["settled"]:
        return Finding.unknown(
            f"the buckets agree, but processed_total says {total}"
            f" where {evidence['settled']} entries are settled",
            **numbers,
        )
    reasons = [f"{numbers['events']} events, each counted once in {numbers['minutes']} minutes"]
    if numbers["left_out"]:
        reasons.append(f"{numbers['left_out']} minutes left out: trimmed or past a bucket's life")
    if not evidence["whole"]:
        reasons.append("processed_total was not held against it: part of the stream is gone")
    elif total is None:
        reasons.append("no second witness: status holds no processed_total")
    return Finding.proved(*reasons, **numbers)


def differences(
    expected: Mapping[str, int], counted: Mapping[str, int]
) -> Iterator[tuple[str, int]]:
    """Yield each field with counted - expected where that is not nothing.

    A reason that found no room in a full bucket never gets any, and all of it is in `overflow`;
    a decision always finds room.
    """
    overflow = counted.get(OVERFLOW, 0)
    no_room = 0
    for field in sorted({*expected, *counted} - {OVERFLOW}):
        off = counted.get(field, 0) - expected.get(field, 0)
        if overflow and field not in counted and not field.startswith("decision:"):
            no_room -= off
        elif off:
            yield field, off
    if no_room > overflow:
        yield OVERFLOW, overflow - no_room


def start_ms(minute: str) -> int:
    """Return when a bucket's minute begins, in ms since the epoch; raises ValueError."""
    return calendar.timegm(time.strptime(minute, "%Y%m%d%H%M")) * 1000


def _decisions(counts: Mapping[str, int]) -> int:
    return sum(count for field, count in counts.items() if field.startswith("decision:"))


def _told(what: str, fields: Counter[str]) -> list[str]:
    """Return one sentence for the sum of the decisions and the worst fields."""
    if not fields:
        return []
    decisions = sum(n for field, n in fields.items() if " decision:" in field)
    worst = ", ".join(f"{field} {count}" for field, count in fields.most_common(5))
    return [f"{what}: {decisions} events by their decision; {worst}"]
