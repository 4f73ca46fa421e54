"""Orders on paper: what execution's own script wrote of them, and the positions that they sum to.

A second fill under the same id would hide behind the first one, so the positions are held against
the sum of the orders: what no order explains is told as an effect of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.orders import Order
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import Command, Moment, asked
from fault_injection.history.happenings import Effect
from streams import intents
from streams.intents import FILLED, LEGS, client_order_id

#: As consumers/exchanges/paper.py calls them; a test holds them together.
POSITION = "quantum:paper:position"
ORDER = "quantum:paper:order:"
POSITIONS: tuple[Command, ...] = (("hgetall", POSITION),)
_KEPT = ("symbol", "side", "status", "quantity")


class Book:
    """Paper's book."""

    def __init__(self, client: Any, place: Place, opened: Opened) -> None:
        self._client, self._flow = client, place.flow
        self._before = opened.positions
        self._explained: Counter[str] = Counter()
        self._late: list[str] = []

    def commands(self) -> list[Command]:
        """Return what reads the positions."""
        return list(POSITIONS)

    def standing(self, at: Moment) -> dict[str, Any]:
        """Return the positions."""
        return {"positions": dict(at.others[0] or {})}

    def orders(self, names: Sequence[str]) -> dict[str, list[Order]]:
        """Return the orders of these identities."""
        found: dict[str, list[Order]] = {}
        ids = [(who, leg, client_order_id(who, leg)) for who in names for leg in LEGS]
        asks = (("hmget", f"{ORDER}{name}", *_KEPT) for _, _, name in ids)
        for (who, leg, name), kept in zip(ids, asked(self._client, asks), strict=True):
            if isinstance(kept, str) or any(kept):
                found.setdefault(who, []).append(_order(leg, name, kept))
        return found

    def explain(self, order: Order, *, before: bool) -> None:
        """Reckon with what an order of the run did to the position."""
        if not before:
            self._explained[order.symbol] += _signed(order)  # type: ignore[assignment]

    def from_before(self, result: Mapping[str, str]) -> None:
        """Hear of the end of an intent that waited already as the run began."""
        if result.get("state") == FILLED:
            self._late.append(result.get("client_order_id", ""))

    def unexplained(self, at: Moment) -> Iterator[Effect]:
        """Yield an effect for each position that is not what the orders sum to."""
        asks = (("hmget", f"{ORDER}{name}", *_KEPT) for name in self._late)
        for name, kept in zip(self._late, asked(self._client, asks), strict=True):
            self.explain(_order(intents.ENTRY, name, kept), before=False)
        now = at.others[0] or {}
        for symbol in sorted({*now, *self._before, *self._explained} - {""}):
            moved = _number(now.get(symbol)) - _number(self._before.get(symbol))
            if moved != self._explained[symbol]:
                yield Effect(
                    flow=self._flow,
                    identity=f"position of {symbol}",
                    ref=f"{POSITION} moved by {moved:f}, orders by {self._explained[symbol]:f}",
                )


def _order(leg: str, name: str, kept: Any) -> Order:
    symbol, side, status, quantity = (
        ("", "", kept, "") if isinstance(kept, str) else (each or "" for each in kept)
    )
    return Order(leg, name, symbol, side, status, quantity if status == FILLED else "")


def _signed(order: Order) -> Decimal:
    filled = _number(order.quantity)
    return filled if order.side == "BUY" else -filled


def _number(text: str | None) -> Decimal:
    try:
        return Decimal(text or 0)
    except InvalidOperation:
        return Decimal("NaN")  # equal to nothing
