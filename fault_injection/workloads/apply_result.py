"""Make apply.result traffic of every shape that really occurs, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

Fields = dict[str, str]

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "API3USDT", "1000PEPEUSDT", "ethusdt")
ODD_SYMBOLS = ("", "BTC/USDT", "A" * 33)
REASONS = (
    "no_position", "action_hold", "kill_score_warning", "kill_score_critical",
    "position_limit_reached_7/10", "p33_permit_denied:stale", "close_qty_zero",
    "execution_failed: code=-4164, notional must be >= 100", "Symbol Not In Allowlist",
)  # fmt: skip
NOTHING = ("", "", "", "none", "None", "null")
DECISIONS = (
    *["EXECUTE"] * 34, *["SKIP"] * 34, *["BLOCKED"] * 14, *["ERROR"] * 3,
    "executed", " skipped ", "Denied", "FAILED", "exec", "block",
)  # fmt: skip
ODD_DECISIONS = ("RECONCILE_CLOSE", "HOLD", "wait\u00df", "", "NONE")
#: What the intent executor says of what it did not execute.
NOT_EXECUTED = (*["SKIP"] * 9, "DENIED", "BLOCKED", None, 7)
CLOSE_ACTIONS = ("FULL_CLOSE_PROPOSED", "PARTIAL_25", "PARTIAL_75")
ODD_TIMES = ("", "nan", "soon", "1", "9999999999", "inf", "2025-13-01T00:00:00")

#: The events of one run are spread over so long before its start, in milliseconds.
SPAN_MS = 240_000


def events(
    seed: int, count: int, start_ms: int, span_ms: int = SPAN_MS, name: str = ""
) -> Iterator[Fields]:
    """Yield the fields of `count` entries, whose own times lie in the `span_ms` before `start_ms`.

    Close to the order of time, as a stream is; the healthy mix of STREAMS, with everything odd in
    between.
    """
    chance = random.Random(seed)  # noqa: S311  the same seed gives the same traffic
    makers: tuple[Callable[[random.Random, str, str], Fields], ...] = (_applied, _closed, _executed)
    for number in range(count):
        behind_ms = span_ms - span_ms * number // max(count, 1)
        at = _time(chance, start_ms - behind_ms + chance.randrange(-2_000, 1))
        maker = chance.choices(makers, weights=(60, 15, 25))[0]
        yield maker(chance, f"{name}-{number}" if name else str(number), at)


def feed(
    client: Any, stream: str, entries: Iterable[Mapping[str, str]], batch: int = 500
) -> list[tuple[str, dict[str, str]]]:
    """Add entries to a stream, `batch` to a round trip; return each id with its fields, in order.

    redis-py's errors pass through: what a lost reply added is in no list.
    """
    added: list[tuple[str, dict[str, str]]] = []
    waiting = iter(entries)
    while chunk := [dict(fields) for fields in islice(waiting, batch)]:
        pipeline = client.pipeline(transaction=False)
        for fields in chunk:
            pipeline.xadd(stream, fields)
        for entry_id, fields in zip(pipeline.execute(), chunk, strict=True):
            added.append((entry_id if isinstance(entry_id, str) else entry_id.decode(), fields))
    return added


def _applied(chance: random.Random, number: str, at: str) -> Fields:
    decision = chance.choice(DECISIONS if _happens(chance, 0.97) else ODD_DECISIONS)
    executed = decision.strip().upper().startswith("EXEC")
    fields = {
        "plan_id": f"plan-{number}",
        "symbol": _symbol(chance),
        "decision": decision,
        "executed": str(executed),
        "would_execute": str(executed or _happens(chance, 0.3)),
        "steps_results": json.dumps([{"step": "CLOSE_FULL", "status": "ok"}] if executed else []),
        "error": chance.choice(NOTHING) if executed else chance.choice(REASONS),
        "timestamp": at,
    }
    if decision in ODD_DECISIONS and _happens(chance, 0.5):
        del fields["executed"]
    return fields


def _closed(chance: random.Random, number: str, at: str) -> Fields:
    executed = _happens(chance, 0.7)
    fields = {
        "plan_id": f"close-{number}",
        "symbol": _symbol(chance),
        "action": chance.choice(CLOSE_ACTIONS),
        "executed": str(executed),
        "error": "" if executed else chance.choice(("close_qty_zero", "no_position", "")),
        "timestamp": at,
    }
    if executed:
        fields |= {"order_id": str(chance.randrange(10**9)), "side": "SELL", "reduceOnly": "True"}
    return fields


def _executed(chance: random.Random, number: str, at: str) -> Fields:
    executed = _happens(chance, 0.4)
    said: dict[str, Any] = {
        "executed": executed,
        "decision": "EXECUTE" if executed else chance.choice(NOT_EXECUTED),
        "error": None if executed else chance.choice(REASONS),
        "permit": {"ok": executed, "reason": {"age_s": round(chance.random(), 3)}},
    }
    details = json.dumps(said)
    if _happens(chance, 0.01):
        details = details[: chance.randrange(len(details))]  # cut short on its way
    fields = {
        "event_type": "apply.result",
        "plan_id": f"intent-{number}",
        "symbol": _symbol(chance),
        "executed": str(executed).lower(),
        "timestamp": at,
        "details": details,
    }
    if _happens(chance, 0.02):
        del fields["timestamp"], fields["executed"]
    return fields


def _happens(chance: random.Random, share: float) -> bool:
    return chance.random() < share


def _symbol(chance: random.Random) -> str:
    return chance.choice(SYMBOLS if _happens(chance, 0.98) else ODD_SYMBOLS)


def _time(chance: random.Random, at_ms: int) -> str:
    """Return a moment as producers write it, in one of many ways, now and then none at all."""
    if _happens(chance, 0.02):
        return chance.choice(ODD_TIMES)
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    ways = (
        str(at_ms // 1000),
        f"{at_ms / 1000:.3f}",
        str(at_ms),
        str(at_ms * 1000),
        moment.replace(tzinfo=None).isoformat(),
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        moment.isoformat(),
        f"{at_ms}-0",
    )
    return chance.choices(ways, weights=(60, 10, 8, 2, 8, 5, 5, 2))[0]
