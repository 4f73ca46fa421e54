"""Execution: an intent ends in one terminal state that is told once; a canary ends DRAINED."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofs.effects import canary
from proofs.finding import Finding
from proofs.reading import after, together
from proofs.scene import Scene
from streams import intents
from streams.moments import iso

#: Of the record, what says how it ended and whether anything left for an exchange.
KEPT = ("state", "reason", "stream_id", "sent_ms", "exchange_order_id", "filled_qty")
#: Where the paper exchange keeps an order.
PAPER_ORDER = "quantum:paper:order:"


def gather(scene: Scene) -> dict[str, Any]:
    """Send an intent where that is allowed, and watch for its end."""
    if not canary.allowed(scene):
        return canary.forbidden(scene)
    results = scene.host.text("stream_execution_result", intents.STREAM_EXECUTION_RESULT)
    place = canary.stands(scene)
    if place["group"] is None:
        return canary.nowhere(scene)
    (before,) = together(scene.redis, ("xinfo_stream", results))
    identity = f"canary_{scene.token()}"
    started = scene.clock()
    entry = canary.send(scene, intent(identity, place["at_ms"]))
    came = canary.settle(scene, entry, started)
    last = (before or {}).get("last-generated-id", "0-0")
    told = [
        [each, fields.get("state", "")]
        for each, fields in after(scene.redis, results, last)
        if identity in (fields.get("identity"), fields.get("trace_id"))
    ]
    orders = [f"{PAPER_ORDER}{intents.client_order_id(identity, leg)}" for leg in intents.LEGS]
    record, *placed = together(
        scene.redis, ("hgetall", intents.record(identity)), *(("exists", key) for key in orders)
    )
    return {
        **came,
        "canary": identity,
        "record": {name: (record or {}).get(name, "") for name in KEPT},
        "told": told,
        "orders": [key for key, there in zip(orders, placed, strict=True) if there],
        "left_behind": [f"{scene.stream} {entry}", intents.record(identity)]
        + [f"{results} {each}" for each, _ in told],
    }


def intent(identity: str, at_ms: int) -> dict[str, str]:
    """Return the fields of an intent as the router wraps it."""
    payload = {
        "symbol": canary.SYMBOL, "side": "BUY", "position_size_usd": "100", "entry_price": "100",
        "canary": True,
    }  # fmt: skip
    return {
        "event_type": "trade.intent",
        "payload": json.dumps(payload),
        "trace_id": identity,
        "correlation_id": identity,
        "timestamp": iso(at_ms),
        "source": canary.SOURCE,
    }


def check(evidence: Mapping[str, Any]) -> Finding:  # noqa: PLR0911 - one return per verdict
    """Judge the canary's way from the intent to its one result, and that no order left."""
    if stuck := canary.stuck(evidence):
        return stuck
    record, told = evidence["record"], [state for _, state in evidence["told"]]
    sent = [f"{name} {record[name]}" for name in ("sent_ms", "exchange_order_id") if record[name]]
    if evidence["orders"] or sent:
        left = ", ".join([*evidence["orders"], *sent])
        return Finding.refuted(f"the canary became an order: {left}")
    if not record["state"]:
        return Finding.refuted("the canary was acknowledged without a record")
    if record["state"] != intents.DRAINED:
        reason = f": {record['reason']}" if record["reason"] else ""
        return Finding.refuted(f"the canary ended {record['state']}{reason}, not DRAINED")
    if len(told) != 1:
        return Finding.refuted(f"the canary has {len(told)} results, not one")
    if told != [intents.DRAINED]:
        return Finding.refuted(f"the canary's result says {told[0]}, its record DRAINED")
    return Finding.proved(
        f"DRAINED with one result, no order; settled after {evidence['settled_after_s']:g} s",
        canary.left_behind(evidence),
    )
