"""Write an intent and its order as fields of a record, and read the order back from them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from consumers.exchanges import MARKET, STOP_MARKET, TAKE_PROFIT_MARKET, Order
from streams.intents import ENTRY, STOP_LOSS, TAKE_PROFIT, client_order_id
from streams.outcomes import plain
from streams.trade_intent import TradeIntent

PROTECTIONS = (STOP_LOSS, TAKE_PROFIT)
KINDS = {STOP_LOSS: STOP_MARKET, TAKE_PROFIT: TAKE_PROFIT_MARKET}
OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
TRUE, FALSE = "true", "false"


def described(intent: TradeIntent, entry_id: str) -> dict[str, str]:
    """Return the record of an intent before it has an order."""
    return {
        "identity": intent.identity,
        "stream_id": entry_id,
        "trace_id": intent.trace_id,
        "correlation_id": intent.correlation_id,
        "symbol": intent.symbol,
        "side": intent.side,
        "made_ms": str(intent.made_ms),
        "quantity": plain(intent.quantity),
        "notional_usd": plain(intent.notional_usd),
        "price": plain(intent.price),
        "reduce_only": TRUE if intent.reduce_only else FALSE,
        "leverage": "" if intent.leverage is None else str(intent.leverage),
        "stop_loss": plain(intent.stop_loss),
        "take_profit": plain(intent.take_profit),
    }


def with_order(of: Mapping[str, str], order: Order) -> dict[str, str]:
    """Return the record with what is ordered for it."""
    return {
        **of,
        "client_order_id": order.client_order_id,
        "order_side": order.side,
        "quantity": plain(order.quantity),
        "price": plain(order.reference_price),
        "reduce_only": TRUE if order.reduce_only else FALSE,
    }


def entry_order(of: Mapping[str, str]) -> Order:
    """Return the order that a record was SUBMITTING: the same one, whoever sends it again."""
    return Order(
        client_order_id=client_order_id(of["identity"], ENTRY),
        symbol=of["symbol"],
        side=of["order_side"],
        quantity=Decimal(of["quantity"]),
        kind=MARKET,
        reduce_only=of["reduce_only"] == TRUE,
        reference_price=Decimal(of["price"]) if of.get("price") else None,
    )


def protections(of: Mapping[str, str]) -> tuple[str, ...]:
    """Return which protective orders a filled record wants; what only reduces wants none."""
    if of.get("reduce_only") == TRUE:
        return ()
    return tuple(leg for leg in PROTECTIONS if of.get(leg))


def protective_order(of: Mapping[str, str], leg: str, quantity: Decimal) -> Order:
    """Return the order that closes `quantity` of a filled record at its stop or its target."""
    return Order(
        client_order_id=client_order_id(of["identity"], leg),
        symbol=of["symbol"],
        side=OPPOSITE[of["order_side"]],
        quantity=quantity,
        kind=KINDS[leg],
        stop_price=Decimal(of[leg]),
        reduce_only=True,
    )


def booked(order: Order, status: str, filled: Decimal, price: Decimal) -> list[object]:
    """Return what paper's book keeps of an order: its id, and fields in turn."""
    return [
        order.client_order_id,
        ["symbol", order.symbol, "side", order.side, "quantity", plain(filled or order.quantity),
         "price", plain(price), "status", status, "kind", order.kind,
         "stop_price", plain(order.stop_price),
         "reduce_only", TRUE if order.reduce_only else FALSE],
    ]  # fmt: skip
