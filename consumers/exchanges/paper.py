"""Trade on paper: every answer follows from the order alone, and execution keeps the state."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from consumers.exchanges import (
    CANCELED,
    FILLED,
    MARKET,
    NEW,
    Order,
    OutcomeUnknown,
    Refused,
    Report,
)
from consumers.exchanges.shapes import refuse_leverage, refuse_names, refuse_order, sane

POSITION = "quantum:paper:position"
#: Base units; finer than any real symbol's.
STEP = Decimal("0.00000001")


def order_key(client_order_id: str) -> str:
    """Return the key of the hash that execution's terminal script writes for an order."""
    return f"quantum:paper:order:{client_order_id}"


class Paper:
    """An exchange that always has a taker at the caller's own price; it writes nothing itself."""

    name = "paper"
    instant = True
    #: What is placed has landed or never will.
    validity_ms = 0

    def __init__(self, client: Any) -> None:
        #: A redis client that decodes; asked by `find`, `cancel` and `position` alone.
        self._client = client

    def place(self, order: Order) -> Report:
        """Fill a MARKET order in full at its reference price; let a stop rest. No I/O."""
        refuse_order(order)
        if order.kind != MARKET:
            return told(order.client_order_id, NEW)
        if order.reference_price is None or order.reference_price <= 0:
            raise Refused("no_price", "paper fills at the intent's own price, and it has none")
        return told(order.client_order_id, FILLED, order.quantity, order.reference_price)

    def find(self, symbol: str, client_order_id: str) -> Report | None:
        """Return what execution wrote of the order."""
        refuse_names(symbol, client_order_id)
        kept = self._client.hgetall(order_key(client_order_id))
        if not kept or kept.get("symbol") != symbol:
            return None
        if kept.get("status") != FILLED:
            return told(client_order_id, kept.get("status", NEW))
        return told(client_order_id, FILLED, read(kept.get("quantity")), read(kept.get("price")))

    def cancel(self, symbol: str, client_order_id: str) -> Report | None:
        """Report a resting order as cancelled; the caller writes it down."""
        found = self.find(symbol, client_order_id)
        return told(client_order_id, CANCELED) if found and found.status == NEW else None

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Take any that an exchange would."""
        refuse_names(symbol)
        refuse_leverage(leverage)

    def quantity(
        self,
        symbol: str,
        wanted: Decimal,
        price: Decimal,  # noqa: ARG002  paper has no least in money
        *,
        closing: bool = False,  # noqa: ARG002
    ) -> Decimal:
        """Return `wanted` rounded down to STEP."""
        refuse_names(symbol)
        if not sane(wanted):
            raise Refused("unsendable", "a quantity beyond all reason")
        rounded = wanted - wanted % STEP
        if rounded <= 0:
            raise Refused("below_min_quantity", f"{wanted:f} is below {STEP:f}")
        return rounded.normalize()

    def price(self, symbol: str) -> Decimal:
        """Refuse: paper watches no market."""
        raise Refused("no_price", f"paper knows no price of {symbol}: the intent must say one")

    def position(self, symbol: str) -> Decimal:
        """Return what execution's script has summed up."""
        refuse_names(symbol)
        kept = self._client.hget(POSITION, symbol)
        return Decimal(0) if kept is None else read(kept)


def told(
    client_order_id: str, status: str, filled: Decimal = Decimal(0), price: Decimal = Decimal(0)
) -> Report:
    """Return a report in paper's words."""
    return Report(client_order_id, status, filled, price, f"paper-{client_order_id}")


def read(kept: str | None) -> Decimal:
    """Return a number that execution wrote. Raises OutcomeUnknown for anything else."""
    try:
        return Decimal(kept or "")
    except InvalidOperation:
        pass
    raise OutcomeUnknown("paper's own record holds no number")
