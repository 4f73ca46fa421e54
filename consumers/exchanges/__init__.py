"""What execution asks of an exchange, and the few ways in which an exchange can fail it.

Every failure is exactly one ExchangeError, and the class alone says what may have happened:
OutcomeUnknown is the only one after which an order may exist. In doubt it is OutcomeUnknown.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple, Protocol

BUY, SELL = "BUY", "SELL"
MARKET, STOP_MARKET, TAKE_PROFIT_MARKET = "MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET"
NEW, PARTIALLY_FILLED, FILLED = "NEW", "PARTIALLY_FILLED", "FILLED"
CANCELED, REJECTED, EXPIRED = "CANCELED", "REJECTED", "EXPIRED"

#: What an order can be at the exchange, and where nothing more happens to it.
STATUSES = frozenset({NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED})
FINAL = frozenset({FILLED, CANCELED, REJECTED, EXPIRED})


class Order(NamedTuple):
    """What to ask for."""

    #: The caller's name for it, the same at each try: shapes.CLIENT_ORDER_ID.

    client_order_id: str
    symbol: str
    #: BUY or SELL.
    side: str
    #: Base units, a whole number of the symbol's steps: as `quantity` gave it.
    quantity: Decimal
    #: MARKET, STOP_MARKET or TAKE_PROFIT_MARKET.
    kind: str = MARKET
    stop_price: Decimal | None = None
    reduce_only: bool = False
    #: What the caller takes the price to be; paper fills at it.
    reference_price: Decimal | None = None
    #: How long after it was sent the request may still land, in milliseconds, where that is to be
    #: shorter than the exchange's `validity_ms`; 0: as long as that.
    valid_ms: int = 0


class Report(NamedTuple):
    """What the exchange says of one order."""

    client_order_id: str
    #: One of STATUSES.
    status: str
    #: Base units filled so far; 0 <= filled.
    filled: Decimal
    #: 0 while nothing is filled.
    average_price: Decimal
    exchange_order_id: str


class ExchangeError(Exception):
    """Something between us and the exchange failed; the class says what may have happened."""


class Refused(ExchangeError):  # noqa: N818  reads as what happened, and the base says Error
    """A definite no: nothing happened, and the same request will get the same answer."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        #: The exchange's number ("-4164"), or a word of ours ("unsendable", "below_min_notional").
        self.code, self.reason = code, reason


class OutcomeUnknown(ExchangeError):  # noqa: N818
    """It may have happened, or may yet until the request's validity is over. Ask by `find`.

    From a call that only reads it says that there was no answer.
    """


class NotSent(ExchangeError):  # noqa: N818
    """It certainly never reached the exchange: nothing happened."""


class Throttled(ExchangeError):  # noqa: N818
    """The exchange wants less of us: nothing happened."""

    def __init__(self, retry_after_s: float, cause: str = "") -> None:
        super().__init__(f"asked to wait {retry_after_s:g} s" + (f": {cause}" if cause else ""))
        self.retry_after_s = retry_after_s


class ClockSkew(ExchangeError):  # noqa: N818
    """Our clock and the exchange's differ by more than the validity: nothing happened."""


class Exchange(Protocol):
    """One exchange. Every method raises ExchangeError's children, and nothing else.

    Paper alone has an exception: what its Redis says of itself is the loop's, and passes through.
    """

    name: str
    #: True: `place` does no I/O (paper), so intents may be taken in batches.
    instant: bool
    #: How long after it was sent a request may still land at the exchange, in milliseconds.
    validity_ms: int

    def place(self, order: Order) -> Report:
        """Ask once for `order`. Where its id is taken by an order, return that order's report."""

    def find(self, symbol: str, client_order_id: str) -> Report | None:
        """Return what is known of an order, None where the exchange knows no such order."""

    def cancel(self, symbol: str, client_order_id: str) -> Report | None:
        """Cancel a resting order; None where there is no such open order."""

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set what the next entry's margin is worked out with."""

    def quantity(
        self, symbol: str, wanted: Decimal, price: Decimal, *, closing: bool = False
    ) -> Decimal:
        """Return `wanted` rounded down to the symbol's step; Refused below the least.

        The least in money does not hold for what closes a position.
        """

    def price(self, symbol: str) -> Decimal:
        """Return the mark price."""

    def position(self, symbol: str) -> Decimal:
        """Return the position in signed base units, as the exchange has it."""
