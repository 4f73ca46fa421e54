"""Claim: an event that goes in comes out as its effect, once, within the deadline.

A canary is added to the stream: a SKIP whose reason is `canary_` and a word made for this run
alone. It must raise its own field in its minute's bucket from nothing to one, be acknowledged, and
show in the five-minute window within SNAPSHOT_INTERVAL_S and a margin. The event and its one count
are left where they are and named in the evidence: taking either away would break the conservation
that nothing_lost_nothing_doubled checks. The field is its own key, so no other total hides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.finding import Finding
from proofs.reading import plain, position, position_commands, together
from proofs.scene import Scene
from streams import keys
from streams.folding import MINUTE_MS, OVERFLOW
from streams.ids import id_key

SYMBOL = "CANARY"
DECISION = "SKIP"
#: What a snapshot may take beyond its interval, in seconds.
SNAPSHOT_MARGIN_S = 15
COUNTS = keys.decision_counts("5m")
TOP = keys.top_reasons("5m")
#: The top list holds this many; a canary may be crowded out of a full one.
TOP_SIZE = 50
FORBIDDEN = "the inventory allows no canary here; `canary: true` allows one"


def gather(scene: Scene) -> dict[str, Any]:
    """Send the canary where that is allowed, and watch for its effect."""
    if not allowed(scene):
        return {"allowed": False, "mode": scene.host.mode}
    interval_s = scene.host.number("snapshot_interval_s", 60)
    canary = f"canary_{scene.token()}"
    before = together(scene.redis, *position_commands(scene.stream, scene.group))
    windows = {"before": _windows(scene, canary)}
    fields = {"plan_id": canary, "symbol": SYMBOL, "decision": DECISION, "error": canary}
    if position(before, scene.group)["group"] is None:
        return {"allowed": True, "group": None, "stream": scene.stream, "wanted": scene.group}
    started = scene.clock()
    # nomkstream: a proof makes no stream that the system does not have
    entry = plain(scene.redis.xadd(scene.stream, fields, nomkstream=True))
    bucket = keys.bucket(minute_of(entry))
    field = f"reason:{canary}"
    scene.until(lambda: scene.redis.hget(bucket, field), scene.deadline_s)
    left_s = scene.deadline_s - (scene.clock() - started)
    settled = scene.until(lambda: True if _settled(scene, entry) else None, left_s)
    settled_after_s = scene.clock() - started
    if settled:
        window_s = interval_s + SNAPSHOT_MARGIN_S
        scene.until(lambda: _moved(scene, canary, windows["before"]), window_s)
    windows["after"] = _windows(scene, canary)
    count, overflow, pending, place = _effect(scene, entry, bucket, field)
    return {
        "allowed": True,
        "stream": scene.stream,
        "wanted": scene.group,
        "group": place["group"],
        "canary": canary,
        "entry": entry,
        "bucket": bucket,
        "count": int(count or 0),
        "overflow": int(overflow or 0),
        "pending": len(pending or ()),
        "deadline_s": scene.deadline_s,
        "settled_after_s": round(settled_after_s, 3),
        "window_within_s": interval_s + SNAPSHOT_MARGIN_S,
        "windows": windows,
        "left_behind": [f"{scene.stream} {entry}", f"{bucket} {field}"],
    }


def allowed(scene: Scene) -> bool:
    """Tell whether a canary may be sent: the inventory decides; unsaid, never on a live host."""
    said = scene.host.values.get("canary")
    return scene.host.mode != "live" if said is None else str(said).lower() == "true"


def minute_of(entry: str) -> str:
    """Return the UTC minute of an entry's id: a canary carries no other time."""
    return keys.minute_name(id_key(entry)[0] // MINUTE_MS)


def _effect(scene: Scene, entry: str, bucket: str, field: str) -> tuple[Any, Any, Any, Any]:
    """Return count, overflow, the entry while pending, and the group's place, all of one moment."""
    commands = (
        ("hget", bucket, field),
        ("hget", bucket, OVERFLOW),
        ("xpending_range", scene.stream, scene.group, entry, entry, 1),
        *position_commands(scene.stream, scene.group),
    )
    count, overflow, pending, *rest = together(scene.redis, *commands)
    return count, overflow, pending, position(rest, scene.group)


def _settled(scene: Scene, entry: str) -> bool:
    _, _, pending, place = _effect(scene, entry, "", "")
    group = place["group"]
    return bool(group) and id_key(group["last_delivered_id"]) >= id_key(entry) and not pending


def _windows(scene: Scene, canary: str) -> dict[str, Any]:
    counts, top, score = together(
        scene.redis, ("hgetall", COUNTS), ("zcard", TOP), ("zscore", TOP, canary)
    )
    return {"counts_5m": counts or {}, "top_size": top or 0, "canary_score": score}


def _moved(scene: Scene, canary: str, before: Mapping[str, Any]) -> bool | None:
    return shows(before, _windows(scene, canary)) or None


def shows(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether the window holds the canary; of a crowded top list: whether it moved at all."""
    if after["canary_score"] is not None:
        return True
    crowded = int(after["top_size"]) >= TOP_SIZE
    return crowded and bool(after["counts_5m"]) and after["counts_5m"] != before["counts_5m"]


def check(evidence: Mapping[str, Any]) -> Finding:  # noqa: PLR0911 - one return per verdict
    """Judge the canary's way from the stream to its count, its acknowledgement and the window."""
    if not evidence["allowed"]:
        return Finding.unknown(FORBIDDEN)
    group = evidence["group"]
    if group is None:
        return Finding.refuted(f"{evidence['stream']} has no group {evidence['wanted']}")
    within = f"within {evidence['deadline_s']:g} s"
    if id_key(group["last_delivered_id"]) < id_key(evidence["entry"]):
        return Finding.refuted(f"the canary was not read {within}", entry=evidence["entry"])
    if evidence["count"] > 1:
        return Finding.refuted(f"the canary was counted {evidence['count']} times")
    if evidence["pending"]:
        fate = "counted" if evidence["count"] else "read"
        return Finding.refuted(f"the canary was {fate} but not acknowledged {within}")
    if not evidence["count"] and evidence["overflow"]:
        return Finding.unknown("acknowledged, but its minute's bucket is full: not told apart")
    if not evidence["count"]:
        return Finding.refuted("the canary was acknowledged without any effect")
    if not shows(evidence["windows"]["before"], evidence["windows"]["after"]):
        waited = evidence["window_within_s"]
        return Finding.refuted(f"counted, but the 5m window did not show it in {waited} s")
    return Finding.proved(
        f"counted once and acknowledged after {evidence['settled_after_s']:g} s; the window moved",
        "left behind: " + ", ".join(evidence["left_behind"]),
    )
