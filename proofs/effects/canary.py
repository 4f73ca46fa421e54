"""Send a canary where the inventory allows one, and tell how far it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.finding import Finding
from proofs.reading import plain, position, position_commands, together
from proofs.scene import Scene
from streams import keys
from streams.ids import id_key

#: No exchange has it, so that no other program could make an order of a canary either.
SYMBOL = "CANARY"
SOURCE = "quantum_proof"
FORBIDDEN = "the inventory allows no canary here; `canary: true` allows one"
#: How many of the newest dead letters are searched for a canary.
DEAD_LETTERS_SEEN = 100


def allowed(scene: Scene) -> bool:
    """Tell whether a canary may be sent: the inventory decides; unsaid, never on a live host."""
    said = scene.host.values.get("canary")
    return scene.host.mode != "live" if said is None else str(said).lower() == "true"


def forbidden(scene: Scene) -> dict[str, Any]:
    """Return the evidence where none may be sent."""
    return {"allowed": False, "mode": scene.host.mode}


def stands(scene: Scene) -> dict[str, Any]:
    """Return where the stream and its group stand now."""
    answers = together(scene.redis, *position_commands(scene.stream, scene.group))
    return position(answers, scene.group)


def nowhere(scene: Scene) -> dict[str, Any]:
    """Return the evidence where there is no group to read one."""
    return {"allowed": True, "group": None, "stream": scene.stream, "wanted": scene.group}


def send(scene: Scene, fields: Mapping[str, str]) -> str:
    """Add it and return its id. A proof makes no stream that the system does not have."""
    return str(plain(scene.redis.xadd(scene.stream, dict(fields), nomkstream=True)))


def settle(scene: Scene, entry: str, started: float) -> dict[str, Any]:
    """Wait until it is settled, within the deadline; return how far it came."""
    left_s = scene.deadline_s - (scene.clock() - started)
    settled = scene.until(lambda: _settled(scene, entry), left_s)
    after_s = scene.clock() - started
    pending, dead, *place = together(
        scene.redis,
        ("xpending_range", scene.stream, scene.group, entry, entry, 1),
        ("xrevrange", keys.dead_letters(scene.stream), "+", "-", DEAD_LETTERS_SEEN),
        *position_commands(scene.stream, scene.group),
    )
    given_up = (f.get("reason") for _, f in dead or () if f.get("original_id") == entry)
    return {
        "allowed": True,
        "stream": scene.stream,
        "wanted": scene.group,
        "group": position(place, scene.group)["group"],
        "entry": entry,
        "settled": bool(settled),
        "pending": len(pending or ()),
        "dead_letter": next(given_up, None),
        "deadline_s": scene.deadline_s,
        "settled_after_s": round(after_s, 3),
    }


def _settled(scene: Scene, entry: str) -> bool | None:
    pending, *rest = together(
        scene.redis,
        ("xpending_range", scene.stream, scene.group, entry, entry, 1),
        *position_commands(scene.stream, scene.group),
    )
    group = position(rest, scene.group)["group"]
    read = group and id_key(group["last_delivered_id"]) >= id_key(entry)
    return True if read and not pending else None


def stuck(evidence: Mapping[str, Any]) -> Finding | None:
    """Return why it did not come through, None where it was read and acknowledged."""
    if not evidence["allowed"]:
        return Finding.unknown(FORBIDDEN)
    group = evidence["group"]
    if group is None:
        return Finding.refuted(f"{evidence['stream']} has no group {evidence['wanted']}")
    within = f"within {evidence['deadline_s']:g} s"
    if id_key(group["last_delivered_id"]) < id_key(evidence["entry"]):
        return Finding.refuted(f"the canary was not read {within}", entry=evidence["entry"])
    if evidence["pending"]:
        return Finding.refuted(f"the canary was read but not acknowledged {within}")
    if evidence["dead_letter"] is not None:
        return Finding.refuted(f"the canary became a dead letter: {evidence['dead_letter']}")
    return None


def left_behind(evidence: Mapping[str, Any]) -> str:
    """Return the sentence about what stays."""
    return "left behind: " + ", ".join(evidence["left_behind"])
