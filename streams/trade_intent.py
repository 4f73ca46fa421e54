"""Read a trade.intent entry of any shape as one order that is wanted, or say why it is none.

Pure and total: whatever the entry holds, there is an answer and never an exception. What is unclear
is Malformed and becomes a dead letter; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from streams import trade_fields as read
from streams.wrappers import FieldError, Layer, Said, layers_of

#: A quantity may be rounded to its symbol's step, but what is further than this factor from the
#: size in USD was meant in another unit.
UNITS_FACTOR = 2


class TradeIntent(NamedTuple):
    """An order that is wanted. At most one of `quantity` and `notional_usd` is there.

    Neither is there only for what closes whatever is open.
    """

    identity: str  #: never empty; one identity has one effect
    trace_id: str
    correlation_id: str
    symbol: str  #: A-Z0-9, 2 to 32 characters
    side: str  #: BUY, SELL, or FLAT: close whatever is open
    closes: bool  #: it ends a position, and says reduce-only explicitly
    reduce_only: bool  #: as said; False where unsaid
    quantity: Decimal | None  #: base units, positive
    notional_usd: Decimal | None  #: the position's whole size; leverage only sets its margin
    price: Decimal | None  #: reference price
    leverage: int | None  #: 1 to 125
    stop_loss: Decimal | None
    take_profit: Decimal | None
    made_ms: int  #: when it was wanted, by its own word
    canary: bool  #: a proof's event: no exchange may ever hear of it


class Malformed(NamedTuple):
    """Why an entry is none: `reason` before a colon is one of a few words."""

    reason: str
    identity: str


def normalise(entry_id: str, fields: Mapping[str, Any]) -> TradeIntent | Malformed:
    """Return what an entry asks for."""
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
        price = read.amount(said, "entry_price", "price", zero_is_unsaid=True)
        quantity, notional_usd = _size(said, price, closes=closes)
        stop_loss = read.amount(said, "stop_loss", zero_is_unsaid=True)
        take_profit = read.amount(said, "take_profit", zero_is_unsaid=True)
        read.check_stops(side, stop_loss, take_profit)
        return TradeIntent(
            read.identity(trace_id, correlation_id, symbol, side, layers),
            trace_id,
            correlation_id,
            symbol,
            side,
            closes,
            bool(reduce_only),
            quantity,
            notional_usd,
            price,
            read.leverage_of(said),
            stop_loss,
            take_profit,
            read.made_ms(said, entry_id),
            bool(read.truth(said, "canary")),
        )
    except FieldError as error:
        known = read.identity(trace_id, correlation_id, symbol, side, layers)
        return Malformed(str(error), known)


def _size(
    said: Said, price: Decimal | None, *, closes: bool
) -> tuple[Decimal | None, Decimal | None]:
    """Return the size in base units, or in USD where it is said in USD alone."""
    quantity = read.amount(said, "quantity", "qty")
    usd = read.amount(said, "position_usd", "position_size_usd", "size")
    if quantity is None:
        if "size" in said and price is None:
            # only a price beside it says that a size is in USD
            raise FieldError("size_without_price")
        if usd is None and not closes:
            raise FieldError("no_size")
        return None, usd
    if usd is not None and price is not None:
        worth = quantity * price
        if not usd / UNITS_FACTOR <= worth <= usd * UNITS_FACTOR:
            raise FieldError("contradiction:size")
    return quantity, None
