"""Claim: what waits in the stream is worked off: nothing waits, or it falls, and never grows.

Counted by ids, since Redis's own lag is nil or wrong after a trim or a delete. What was there when
the window opened must be settled when it closes, or be less; new arrivals do not hide a stall.

Under traffic something is always on its way: a few samples that read 0, 0, ... 1, 1 may be chance.
What looks like growth is therefore watched up to the deadline; what really grows goes on growing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.finding import Finding
from proofs.reading import count_after, plain, position, position_commands, together
from proofs.scene import Scene
from streams import keys
from streams.ids import id_key

#: Enough for a trend; a third of it must have something to say at either end.
SAMPLES = 6
#: The most entries that are counted one by one in each sample; beyond it: "at least".
CAP = 20_000


def gather(scene: Scene) -> dict[str, Any]:
    """Return samples until the first backlog is settled and does not grow, within the deadline."""
    samples: list[dict[str, Any]] = []
    end = scene.clock() + max(scene.deadline_s, scene.window_s)
    while True:
        samples.append(_sample(scene))
        enough = len(samples) >= SAMPLES
        if samples[-1]["group"] is None:
            break
        if enough and _settled(samples) and not _growth(samples):
            break
        if enough and scene.clock() >= end:
            break
        scene.sleep(scene.window_s / (SAMPLES - 1))
    return {"stream": scene.stream, "group": scene.group, "cap": CAP, "samples": samples}


def _sample(scene: Scene) -> dict[str, Any]:
    answers = together(scene.redis, *position_commands(scene.stream, scene.group))
    sample = position(answers, scene.group)
    group = sample["group"]
    if group:
        sample["undelivered"] = count_after(
            scene.redis, scene.stream, group["last_delivered_id"], CAP
        )
        beating = [keys.heartbeat(scene.group, name) for name in group["consumers"]]
        beats = plain(scene.redis.mget(beating)) if beating else []
        group["living"] = sum(beat is not None for beat in beats)
    return sample


def check(evidence: Mapping[str, Any]) -> Finding:  # noqa: PLR0911 - one return per verdict
    """Judge the samples, oldest first."""
    samples = evidence["samples"]
    if any(sample["group"] is None for sample in samples):
        return Finding.refuted(f"the stream has no group {evidence['group']}")
    if len(samples) < SAMPLES:
        return Finding.unknown(f"{len(samples)} samples are no trend")
    first, last = samples[0], samples[-1]
    numbers = {"first": _waiting(first), "last": _waiting(last), "samples": len(samples)}
    capped = any(sample["undelivered"] >= evidence["cap"] for sample in samples)
    if (growth := _growth(samples)) and not capped:
        return Finding.refuted(f"the backlog grows: {growth} entries", **numbers)
    if _settled(samples):
        if not last["group"]["living"]:
            return Finding.unknown("nothing waits, but no living consumer is in the group")
        return Finding.proved(f"settled: all {_waiting(first)} entries that waited", **numbers)
    if _place(last) == _place(first):
        return Finding.refuted(f"{_waiting(last)} entries wait and none moves", **numbers)
    if capped:
        text = f"over {evidence['cap']} entries wait; they move, but too many to count"
        return Finding.unknown(text, **numbers)
    if _waiting(last) < _waiting(first):
        return Finding.proved(f"falling: {_waiting(first)} -> {_waiting(last)} entries", **numbers)
    return Finding.unknown("entries move, but the backlog neither falls nor grows", **numbers)


def _waiting(sample: Mapping[str, Any]) -> int:
    return int(sample["undelivered"]) + int(sample["group"]["pending"])


def _growth(samples: Sequence[Mapping[str, Any]]) -> str:
    """Return "from -> to" if the last third waits longer than the first ever did; else nothing."""
    third = len(samples) // 3
    before = max(_waiting(sample) for sample in samples[:third])
    after = min(_waiting(sample) for sample in samples[-third:])
    return f"{before} -> {after}" if after > before else ""


def _place(sample: Mapping[str, Any]) -> tuple[object, ...]:
    """Return what moves when anything is read or settled."""
    group = sample["group"]
    return group["last_delivered_id"], group["oldest_pending_id"], group["pending"]


def _settled(samples: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether everything that was in the stream at the first sample is settled by now."""
    newest, group = id_key(samples[0]["last_id"]), samples[-1]["group"]
    if samples[-1]["undelivered"] and id_key(group["last_delivered_id"]) < newest:
        return False
    return not group["pending"] or id_key(group["oldest_pending_id"]) > newest
