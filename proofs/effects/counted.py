"""Decision intelligence: a canary is counted once and shows in the five-minute window.

It is a SKIP whose reason is `canary_` and a word made for this run alone. It must raise its own
field in its minute's bucket from nothing to one, be acknowledged, and show in the window within
SNAPSHOT_INTERVAL_S and a margin. The field is its own key, so no other total hides it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.effects import canary
from proofs.finding import Finding
from proofs.reading import together
from proofs.scene import Scene
from streams import keys
from streams.folding import MINUTE_MS, OVERFLOW
from streams.ids import id_key

DECISION = "SKIP"
#: What a snapshot may take beyond its interval, in seconds.
SNAPSHOT_MARGIN_S = 15
COUNTS = keys.decision_counts("5m")
TOP = keys.top_reasons("5m")
#: The top list holds this many; a canary may be crowded out of a full one.
TOP_SIZE = 50


def gather(scene: Scene) -> dict[str, Any]:
    """Send the canary where that is allowed, and watch for its effect."""
    if not canary.allowed(scene):
        return canary.forbidden(scene)
    interval_s = scene.host.number("snapshot_interval_s", 60)
    word = f"canary_{scene.token()}"
    windows = {"before": _windows(scene, word)}
    if canary.stands(scene)["group"] is None:
        return canary.nowhere(scene)
    started = scene.clock()
    fields = {"plan_id": word, "symbol": canary.SYMBOL, "decision": DECISION, "error": word}
    entry = canary.send(scene, fields)
    bucket, field = keys.bucket(minute_of(entry)), f"reason:{word}"
    scene.until(lambda: scene.redis.hget(bucket, field), scene.deadline_s)
    came = canary.settle(scene, entry, started)
    if came["settled"]:
        window_s = interval_s + SNAPSHOT_MARGIN_S
        scene.until(lambda: _moved(scene, word, windows["before"]), window_s)
    windows["after"] = _windows(scene, word)
    count, overflow = together(scene.redis, ("hget", bucket, field), ("hget", bucket, OVERFLOW))
    return {
        **came,
        "canary": word,
        "bucket": bucket,
        "count": int(count or 0),
        "overflow": int(overflow or 0),
        "window_within_s": interval_s + SNAPSHOT_MARGIN_S,
        "windows": windows,
        "left_behind": [f"{scene.stream} {entry}", f"{bucket} {field}"],
    }


def minute_of(entry: str) -> str:
    """Return the UTC minute of an entry's id: a canary carries no other time."""
    return keys.minute_name(id_key(entry)[0] // MINUTE_MS)


def _windows(scene: Scene, word: str) -> dict[str, Any]:
    counts, top, score = together(
        scene.redis, ("hgetall", COUNTS), ("zcard", TOP), ("zscore", TOP, word)
    )
    return {"counts_5m": counts or {}, "top_size": top or 0, "canary_score": score}


def _moved(scene: Scene, word: str, before: Mapping[str, Any]) -> bool | None:
    return shows(before, _windows(scene, word)) or None


def shows(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether the window holds the canary; of a crowded top list: whether it moved at all."""
    if after["canary_score"] is not None:
        return True
    crowded = int(after["top_size"]) >= TOP_SIZE
    return crowded and bool(after["counts_5m"]) and after["counts_5m"] != before["counts_5m"]


def check(evidence: Mapping[str, Any]) -> Finding:  # noqa: PLR0911 - one return per verdict
    """Judge the canary's way from the stream to its count, its acknowledgement and the window."""
    if not evidence["allowed"]:
        return Finding.unknown(canary.FORBIDDEN)
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
        canary.left_behind(evidence),
    )
