"""An order that was accepted, wherever that is kept, and what it says in a digest."""

from __future__ import annotations

from typing import NamedTuple

from fault_injection.gathering.reading import digest
from streams.trade_fields import FLAT

__all__ = ["FLAT", "Order", "said_by"]


class Order(NamedTuple):
    """An order of an identity."""

    leg: str
    ref: str  #: what it is called there: no two orders share it
    symbol: str
    side: str
    outcome: str  #: FILLED or another word of the exchange
    quantity: str  #: that was filled, in base units
    wall_ns: int = 0  #: 0: nobody says when


def said_by(symbol: str, side: str) -> str:
    """Return the digest of what an order says; FLAT for one that closes whatever is open."""
    return digest([symbol, side])
