"""The router: a decided trade comes out as one intent under the same identity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proofs.effects import canary
from proofs.finding import Finding
from proofs.reading import after, plain, together
from proofs.scene import Scene
from streams import intents, routing
from streams.moments import iso
from streams.trade_intent import Malformed, normalise

SIDE, USD, PRICE = "BUY", "100", "100"


def gather(scene: Scene) -> dict[str, Any]:
    """Send a decision where that is allowed, and watch for its intent."""
    if not canary.allowed(scene):
        return canary.forbidden(scene)
    stream = scene.host.text("stream_trade_intent", intents.STREAM_TRADE_INTENT)
    place = canary.stands(scene)
    if place["group"] is None:
        return canary.nowhere(scene)
    (before,) = together(scene.redis, ("xinfo_stream", stream))
    identity = f"canary_{scene.token()}"
    started = scene.clock()
    entry = canary.send(scene, decision(identity, place["at_ms"]))
    key = routing.dedup(identity)
    came = canary.settle(scene, entry, started)
    last = (before or {}).get("last-generated-id", "0-0")
    published = [
        [each, fields]
        for each, fields in after(scene.redis, stream, last)
        if fields.get("trace_id") == identity
    ]
    return {
        **came,
        "canary": identity,
        "intents": stream,
        "kept": plain(scene.redis.get(key)),
        "published": published,
        "left_behind": [f"{scene.stream} {entry}", key]
        + [f"{stream} {each}" for each, _ in published],
    }


def decision(identity: str, at_ms: int) -> dict[str, str]:
    """Return the fields of a decision as its producer wraps it."""
    payload = {
        "symbol": canary.SYMBOL, "side": SIDE.lower(), "quantity": USD, "entry_price": PRICE,
        "leverage": 1, "canary": True,
    }  # fmt: skip
    return {
        "event_type": "ai.decision.made",
        "payload": json.dumps(payload),
        "trace_id": identity,
        "correlation_id": identity,
        "timestamp": iso(at_ms),
        "source": canary.SOURCE,
    }


def check(evidence: Mapping[str, Any]) -> Finding:
    """Judge the canary's way from the decision to its one intent."""
    if stuck := canary.stuck(evidence):
        return stuck
    published = evidence["published"]
    if not published:
        return Finding.refuted("the canary was acknowledged without an intent")
    if len(published) > 1:
        ids = ", ".join(each for each, _ in published)
        return Finding.refuted(f"the canary was published {len(published)} times: {ids}")
    [[entry, fields]] = published
    if evidence["kept"] != entry:
        return Finding.refuted(f"its key holds {evidence['kept']}, but its intent is {entry}")
    wrong = differences(entry, fields, evidence["canary"])
    if wrong:
        return Finding.refuted(*wrong)
    return Finding.proved(
        f"one intent under its identity, acknowledged after {evidence['settled_after_s']:g} s",
        canary.left_behind(evidence),
    )


def differences(entry: str, fields: Mapping[str, str], identity: str) -> list[str]:
    """Return how an intent, as execution will read it, is not what was decided."""
    read = normalise(entry, fields)
    if isinstance(read, Malformed):
        return [f"its intent cannot be read: {read.reason}"]
    found: dict[str, object] = {
        "identity": read.identity,
        "symbol": read.symbol,
        "side": read.side,
        "USD": f"{read.notional_usd:f}" if read.notional_usd is not None else None,
        "price": f"{read.price:f}" if read.price is not None else None,
        "canary": read.canary,
    }
    wanted: dict[str, object] = {
        "identity": identity, "symbol": canary.SYMBOL, "side": SIDE, "USD": USD, "price": PRICE,
        "canary": True,
    }  # fmt: skip
    return [
        f"its intent has {name} {found[name]}, decided was {wanted[name]}"
        for name in wanted
        if found[name] != wanted[name]
    ]
