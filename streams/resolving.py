"""Resolve an UNKNOWN intent by a person's word: who knows better, what happened, and why."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from streams import intents, keys, scripting
from streams.outcomes import (
    Outcome,
    applied_shape,
    details,
    record_fields,
    result_shape,
    signed_units,
)

#: Where a resolution's words come to lie; the inventory's values beat them.
DEFAULTS = {
    "stream": intents.STREAM_TRADE_INTENT,
    "group": intents.GROUP_EXECUTION,
    "results": intents.STREAM_EXECUTION_RESULT,
    "apply_results": intents.STREAM_APPLY_RESULT,
}


def resolve(
    client: Any,
    identity: str,
    outcome: Outcome,
    *,
    who: str,
    why: str,
    now_ms: int,
    **names: str,
) -> tuple[str, str]:
    """Settle an UNKNOWN record as FILLED, REJECTED or FAILED.

    names: stream, group, results, apply_results ("" for none), where they are not the defaults.
    Returns ("RESOLVED", id of its execution.result), ("STANDS", its state) where it is not UNKNOWN
    or was settled meanwhile, or ("NO_RECORD", ""). Raises ValueError for what is no resolution.
    """
    if outcome.state not in intents.RESOLUTIONS:
        raise ValueError("an intent is resolved as FILLED, REJECTED or FAILED")
    if (outcome.state == intents.FILLED) != (outcome.filled > 0):
        raise ValueError("what was filled has a quantity, and nothing else has one")
    if outcome.filled and outcome.average_price <= 0:
        raise ValueError("what was filled has a price")
    if not who or not why:
        raise ValueError("a resolution says who resolved it and why")
    of = _text(client.hgetall(intents.record(identity)))
    if not of:
        return "NO_RECORD", ""
    if of.get("state") != intents.UNKNOWN:
        return "STANDS", of.get("state", "")
    where = DEFAULTS | names
    item = _item(of, outcome, who=who, why=why, now_ms=now_ms)
    answer = _run(client, where, item, who, now_ms)
    return ("RESOLVED", answer[1]) if answer[0] == "DONE" else ("STANDS", answer[1])


def _item(
    of: dict[str, str], outcome: Outcome, *, who: str, why: str, now_ms: int
) -> dict[str, Any]:
    ended = record_fields(of, outcome) | {
        "resolved_by": who, "resolved_why": why, "resolved_ms": str(now_ms),
        "state": outcome.state,
    }  # fmt: skip
    wanted = [leg for leg in ("stop_loss", "take_profit") if of.get(leg)]
    protects = outcome.state == intents.FILLED and wanted and of.get("reduce_only") != "true"
    if protects:
        ended |= {f"{leg}_state": "WANTED" for leg in wanted}
    return {
        "id": "",
        "epoch": of["epoch"],
        "from": intents.UNKNOWN,
        "record": {**of, **ended},
        "units": str(signed_units(outcome, of.get("order_side", ""))),
        "executed": "true" if outcome.state == intents.FILLED else "false",
        "details": details(of, outcome),
        "look_ms": str(now_ms) if protects else "",
    }


def _run(
    client: Any, where: dict[str, str], item: dict[str, Any], who: str, now_ms: int
) -> list[str]:
    names = [where["stream"], intents.STATUS, where["results"], keys.ALERTS, intents.EXPOSURE]
    names += [intents.OPEN_SYMBOLS, intents.PROTECTED, intents.ORDER_RATE, intents.KILL_SWITCH]
    if where["apply_results"]:
        names.append(where["apply_results"])
    asked = {
        "now_ms": now_ms, "book": "", "book_of": "", "result": result_shape(who, now_ms),
        "applied": applied_shape(now_ms), "items": [item],
    }  # fmt: skip
    answers = scripting.run(
        client,
        "finish",
        names,
        [where["group"], "", intents.RECORD_PREFIX, f"{intents.PROTECTED}:",
         intents.RECORD_TTL_S, json.dumps(asked)],
    )  # fmt: skip
    return [_word(each) for each in answers[0]]


def _text(found: dict[Any, Any]) -> dict[str, str]:
    return {_word(name): _word(value) for name, value in found.items()}


def _word(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def filled(quantity: str, price: str, exchange_order_id: str = "") -> Outcome:
    """Return what a person says was filled; raises ValueError for what is no number."""
    try:
        amounts = Decimal(quantity), Decimal(price)
    except ArithmeticError as error:
        raise ValueError("a quantity and a price are numbers") from error
    return Outcome(intents.FILLED, "resolved", "", *amounts, exchange_order_id)
