"""Say how an intent ended: in its record, in execution.result, in apply.result, as an alert. Pure.

Every shape of an ending is made here, whoever settles it, so that no two writers can differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from streams.intents import (
    DRAINED,
    EXPIRED,
    FAILED,
    FILLED,
    REJECTED,
    UNKNOWN,
)
from streams.moments import iso

#: What an ending is to whoever counts decisions.
DECISIONS = {FILLED: "EXECUTE", REJECTED: "BLOCKED", FAILED: "ERROR", EXPIRED: "SKIP",
             DRAINED: "SKIP"}  # fmt: skip
#: In which integers Redis adds up: base units and USD.
UNITS, MICRO_USD = 10**8, 10**6

ZERO = Decimal(0)


class Outcome(NamedTuple):
    """How an intent ended, or that nobody knows: UNKNOWN."""

    state: str
    #: the family before a colon: kill_switch, no_position, too_old, ...
    reason: str = ""
    #: the exchange's number, where it gave one
    code: str = ""
    #: base units
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    exchange_order_id: str = ""


def plain(value: Decimal | None) -> str:
    """Return a number as text without an exponent; "" for none."""
    if value is None:
        return ""
    text = str(value)
    return f"{value:f}" if "E" in text else text


def units(quantity: Decimal) -> int:
    """Return base units as the whole number that exposure is kept in, rounded away from zero."""
    made = (abs(quantity) * UNITS).to_integral_value(ROUND_CEILING)
    return int(made) if quantity >= 0 else -int(made)


def micro_usd(amount: Decimal) -> int:
    """Return USD as the whole number that the guard reckons with, rounded up."""
    return int((amount * MICRO_USD).to_integral_value(ROUND_CEILING))


def signed_units(outcome: Outcome, order_side: str) -> int:
    """Return what an ending does to the position."""
    return units(outcome.filled if order_side == "BUY" else -outcome.filled)


def is_partial(outcome: Outcome, quantity: str) -> bool:
    """Tell whether less was filled than was asked for."""
    if outcome.state != FILLED or quantity in ("", plain(outcome.filled)):
        return False
    return outcome.filled < Decimal(quantity)


def record_fields(of: Mapping[str, str], outcome: Outcome) -> dict[str, str]:
    """Return what an ending writes into the record `of`."""
    return {
        "reason": outcome.reason,
        "code": outcome.code,
        "filled_qty": plain(outcome.filled),
        "average_price": plain(outcome.average_price),
        "partial": "true" if is_partial(outcome, of.get("quantity", "")) else "false",
        "exchange_order_id": outcome.exchange_order_id,
    }


#: A field's name, then the record's field that it is from, or its own text.
Shape = list[tuple[str, str, str]]

#: What execution.result says, and what of the record it says it by.
_RESULT = (
    ("identity", "identity"), ("trace_id", "trace_id"), ("correlation_id", "correlation_id"),
    ("symbol", "symbol"), ("side", "side"), ("client_order_id", "client_order_id"),
    ("quantity", "quantity"), ("reduce_only", "reduce_only"), ("state", "state"),
    ("reason", "reason"), ("code", "code"), ("filled_qty", "filled_qty"),
    ("average_price", "average_price"), ("partial", "partial"),
    ("exchange_order_id", "exchange_order_id"), ("intent_id", "stream_id"),
)  # fmt: skip


def result_shape(owner: str, now_ms: int) -> Shape:
    """Return what an execution.result entry is made of: finish.lua fills it in."""
    return [
        ("event_type", "", "execution.result"),
        *((name, source, "") for name, source in _RESULT),
        ("owner", "", owner),
        ("timestamp", "", iso(now_ms)),
        ("source", "", "execution"),
    ]


def applied_shape(now_ms: int) -> Shape:
    """Return what an apply.result entry is made of, as the intent executor does it."""
    return [
        ("event_type", "", "execution.result"),
        ("plan_id", "identity", ""),
        ("symbol", "symbol", ""),
        ("executed", "executed", ""),
        ("timestamp", "", f"{now_ms / 1000:.3f}"),
        ("details", "details", ""),
    ]


def result(of: Mapping[str, str], outcome: Outcome, *, owner: str, now_ms: int) -> dict[str, str]:
    """Return an execution.result entry."""
    said = {**of, **record_fields(of, outcome), "state": outcome.state}
    return {
        name: said.get(source, "") if source else text
        for name, source, text in result_shape(owner, now_ms)
    }


def details(of: Mapping[str, str], outcome: Outcome) -> str:
    """Return the details of an apply.result entry."""
    # an id of ours needs no escaping
    ordered = of.get("client_order_id", "")
    return _details(outcome.state, outcome.reason, outcome.code).replace("%", ordered, 1)


@lru_cache(maxsize=64)
def _details(state: str, reason: str, code: str) -> str:
    executed = state == FILLED
    # the id's place comes first, so that nothing else can be taken for it
    permit = {"client_order_id": "%", "state": state, "code": code}
    said = {"permit": permit, "executed": executed, "error": "" if executed else reason}
    return json.dumps(said | {"decision": DECISIONS[state]})


def alert(of: Mapping[str, str], reason: str, detail: str, now_ms: int) -> dict[str, str]:
    """Return an alert that a person must look at an intent."""
    identity = of.get("identity", "")
    return {
        "window": "now",
        "reason": reason,
        "score": "1",
        "total": "1",
        "share": "1.0",
        "timestamp": f"{now_ms / 1000:.3f}",
        "severity": "CRITICAL",
        "alert_id": f"{reason}:{identity}:{of.get('epoch', '')}",
        "identity": identity,
        "symbol": of.get("symbol", ""),
        "client_order_id": of.get("client_order_id", ""),
        "detail": detail,
    }


def unknown_alert(of: Mapping[str, str], outcome: Outcome, now_ms: int) -> dict[str, str]:
    """Return the alert of an ending that nobody knows."""
    assert outcome.state == UNKNOWN
    return alert(of, "execution_unknown", outcome.reason, now_ms)


def flat(words: Mapping[str, str]) -> list[str]:
    """Return names and values in turn."""
    return list(chain.from_iterable(words.items()))
