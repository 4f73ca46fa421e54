"""Refuse what no exchange would understand, before anything is sent. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from consumers.exchanges import (
    BUY,
    MARKET,
    SELL,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
    Order,
    Refused,
)

#: What every exchange takes as it is, and no encoding changes on the way: python-binance signs
#: the bare characters, so one that is sent in another form would spoil the signature.
CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_.-]{1,36}", re.ASCII)
SYMBOL = re.compile(r"[A-Z0-9]{2,32}", re.ASCII)
LAST_LEVERAGE = 125
#: How many digits a number may have before or after its point.
MOST_DIGITS = 12


def refuse_order(order: Order) -> None:
    """Raise Refused for an order that is none."""
    refuse_names(order.symbol, order.client_order_id)
    stops = order.kind in (STOP_MARKET, TAKE_PROFIT_MARKET)
    if order.side not in (BUY, SELL):
        raise Refused("unsendable", f"a side of {order.side!r}")
    if not (stops or order.kind == MARKET):
        raise Refused("unsendable", f"an order of kind {order.kind!r}")
    if stops != (order.stop_price is not None):
        raise Refused("unsendable", "a stop price is for stops, and they need one")
    for value in (order.quantity, order.stop_price):
        if value is not None and (not sane(value) or value <= 0):
            raise Refused("unsendable", "a quantity or a price that is none")


def refuse_names(symbol: str, client_order_id: str = "-") -> None:
    """Raise Refused for a symbol or a client order id of a wrong shape."""
    if not _is_symbol(symbol) or not CLIENT_ORDER_ID.fullmatch(client_order_id):
        raise Refused("unsendable", "a symbol or a client order id of a wrong shape")


@lru_cache(maxsize=1024)
def _is_symbol(symbol: str) -> bool:
    return SYMBOL.fullmatch(symbol) is not None


def refuse_leverage(leverage: int) -> None:
    """Raise Refused for a leverage that no exchange has."""
    if not 1 <= leverage <= LAST_LEVERAGE:
        raise Refused("unsendable", f"a leverage of {leverage}")


def sane(value: Decimal) -> bool:
    """Whether arithmetic and printing are safe: finite, neither astronomic nor infinitesimal."""
    if not value.is_finite():
        return False
    return not value or -MOST_DIGITS <= value.adjusted() <= MOST_DIGITS
