"""Read an ai.decision.made entry as one trade that was decided on, and say it as a trade.intent.

Pure and total, as the intents' own normaliser. The one difference in words: here every size is in
USD, `quantity` too, where an intent's quantity is in base units.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from streams import trade_fields as read
from streams.moments import iso
from streams.trade_intent import Malformed
from streams.wrappers import FieldError, Layer, Said, layers_of

SOURCE = "strategy_router"
#: The fields that all intents of the router share.
SHARED = {"event_type": "trade.intent", "source": SOURCE}
#: Each a size in USD.
SIZES = ("quantity", "qty", "position_size_usd", "position_usd", "size")
#: What is carried along unread, where it is short enough, in characters.
CARRIED = ("confidence", "model", "regime")
CARRIED_CHARS = 100

_encode = json.JSONEncoder(check_circular=False).encode


class Decision(NamedTuple):
    """A trade that was decided on; the fields are those of TradeIntent."""

    identity: str
    trace_id: str
    correlation_id: str
    symbol: str
    side: str
    closes: bool
    reduce_only: bool | None  #: None where it is not said
    notional_usd: Decimal | None  #: None only for what closes whatever is open
    price: Decimal | None
    leverage: int | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    made_ms: int
    canary: bool
    carried: dict[str, str]


def normalise(entry_id: str, fields: Mapping[str, Any]) -> Decision | Malformed:
    """Return what was decided."""
    layers: list[Layer] = [fields]
    trace_id = correlation_id = symbol = side = ""
    try:
        layers = layers_of(fields)
        said = read.said_in(layers)
        trace_id = read.an_id(said, "trace_id")
        correlation_id = read.an_id(said, "correlation_id")
        symbol = read.symbol_of(said)
        side, closes = way = read.direction_of(said)
        reduce_only = read.reduce_only_of(said, way)
        stop_loss = read.amount(said, "stop_loss", zero_is_unsaid=True)
        take_profit = read.amount(said, "take_profit", zero_is_unsaid=True)
        read.check_stops(side, stop_loss, take_profit)
        return Decision(
            read.identity(trace_id, correlation_id, symbol, side, layers),
            trace_id,
            correlation_id,
            symbol,
            side,
            closes,
            reduce_only,
            _size(said, closes=closes),
            read.amount(said, "entry_price", "price", zero_is_unsaid=True),
            read.leverage_of(said),
            stop_loss,
            take_profit,
            read.made_ms(said, entry_id),
            bool(read.truth(said, "canary")),
            _carried(layers[-1]),
        )
    except FieldError as error:
        known = read.identity(trace_id, correlation_id, symbol, side, layers)
        return Malformed(str(error), known)


def _size(said: Said, *, closes: bool) -> Decimal | None:
    found = read.amount(said, *SIZES)
    if found is None and not closes:
        raise FieldError("no_size")
    return found


def _carried(layer: Layer) -> dict[str, str]:
    found = {}
    for name in CARRIED:
        text = layer.get(name)
        if isinstance(text, str) and 0 < len(text) <= CARRIED_CHARS:
            found[name] = text
    return found


def intent_fields(decision: Decision) -> dict[str, str]:
    """Return the fields of the trade.intent entry that asks for what was decided."""
    return {**SHARED, **own_fields(decision)}


def own_fields(decision: Decision) -> dict[str, str]:
    """Return the fields of an intent that differ from one to the next, always the same names.

    Its trace id is the decision's identity, so that everyone after it knows it by the same. Its
    time is the decision's own: to be routed late makes nothing fresh.
    """
    payload: dict[str, str | int | bool] = {"symbol": decision.symbol, "side": decision.side}
    if decision.closes and decision.side != read.FLAT:
        payload["action"] = "CLOSE"
    for name, number in (
        ("position_size_usd", decision.notional_usd),
        ("entry_price", decision.price),
        ("stop_loss", decision.stop_loss),
        ("take_profit", decision.take_profit),
    ):
        if number is not None:
            payload[name] = f"{number:f}"
    if decision.leverage is not None:
        payload["leverage"] = decision.leverage
    if decision.reduce_only is not None:
        payload["reduce_only"] = decision.reduce_only
    if decision.canary:
        payload["canary"] = True
    payload.update(decision.carried)
    return {
        "payload": _encode(payload),
        "trace_id": decision.identity,
        "correlation_id": decision.correlation_id,
        "timestamp": iso(decision.made_ms),
    }
