"""Work out the order that an intent asks for: side, size, stops, leverage; or why there is none."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any, NamedTuple

from consumers.exchanges import Order, Refused
from consumers.loop.failing import TransientError
from consumers.trading.asking import Asker
from consumers.trading.deciding import closing, stops_are_wrong
from streams import intents, scripting
from streams.outcomes import Outcome
from streams.trade_intent import TradeIntent


class Ready(NamedTuple):
    """An order, and what the guard and the exchange must know beside it."""

    order: Order
    #: the price that the guard believes: the higher of the intent's and the mark price, since a
    #: producer's price alone would decide how much the guard lets through
    believed: Decimal
    #: the one that must be set before it is sent, "" for whatever it is
    leverage: str


def refusal(error: Refused) -> Outcome:
    """Return how an intent ends that the exchange refuses."""
    family = error.code if error.code[:1].isalpha() else "exchange_refused"
    return Outcome(intents.REJECTED, f"{family}: {error.reason}", error.code)


class Preparer:
    """Prepares orders for one exchange, asking it only what the intent does not say."""

    def __init__(self, client: Any, asker: Asker) -> None:
        self._client, self._ask = client, asker.ask
        self._instant = asker.exchange.instant

    def prepare(self, intent: TradeIntent) -> Ready | Outcome:
        """Return the order. Raises ExchangeError where the exchange could not be asked."""
        try:
            if intent.reduce_only:
                return self._close(intent)
            return self._open(intent)
        except Refused as error:
            return refusal(error)

    def _open(self, intent: TradeIntent) -> Ready | Outcome:
        price, mark = self._prices(intent)
        for each in (price, mark):
            wrong = stops_are_wrong(intent.side, each, intent.stop_loss, intent.take_profit)
            if wrong:
                return Outcome(intents.REJECTED, f"{wrong}_on_the_wrong_side: of {each:f}")
        wanted = intent.quantity
        if wanted is None:
            wanted = (intent.notional_usd or Decimal(0)) / price
        quantity = self._ask("quantity", intent.symbol, wanted, mark)
        leverage = ""
        if intent.leverage is not None:
            leverage = str(intent.leverage)
            self._set_leverage(intent.symbol, leverage)
        order = self._order(intent, intent.side, quantity, price)
        # paper has no margin: nothing can have changed it meanwhile
        return Ready(order, max(price, mark), "" if self._instant else leverage)

    def _close(self, intent: TradeIntent) -> Ready | Outcome:
        position = self._ask("position", intent.symbol)
        if position == 0:
            return Outcome(intents.REJECTED, "no_position")
        price, _ = self._prices(intent)
        wanted = intent.quantity
        if wanted is None and intent.notional_usd is not None:
            wanted = intent.notional_usd / price
        found = closing(intent.side, position, wanted)
        if found is None:
            return Outcome(intents.REJECTED, f"no_position: to {intent.side} from {position:f}")
        side, size = found
        quantity = self._ask("quantity", intent.symbol, size, price, closing=True)
        order = self._order(intent, side, quantity, price)
        return Ready(order, price, "")

    def _prices(self, intent: TradeIntent) -> tuple[Decimal, Decimal]:
        """Return the price to reckon with, and the exchange's mark price."""
        if self._instant and intent.price is not None:
            return intent.price, intent.price
        mark = self._ask("price", intent.symbol)
        return intent.price or mark, mark

    @staticmethod
    def _order(intent: TradeIntent, side: str, quantity: Decimal, price: Decimal) -> Order:
        return Order(
            client_order_id=intents.client_order_id(intent.identity),
            symbol=intent.symbol,
            side=side,
            quantity=quantity,
            reduce_only=intent.reduce_only,
            reference_price=price,
        )

    def _set_leverage(self, symbol: str, leverage: str) -> None:
        """Set it where it is not known to be set. Raises TransientError where that is in doubt."""
        if self._instant:
            self._ask("set_leverage", symbol, int(leverage))
            return
        if self._client.hget(intents.LEVERAGE, symbol) == leverage:
            return
        # from here on it is not known, until the exchange has confirmed it
        token = f"setting:{secrets.token_hex(8)}"
        self._client.hset(intents.LEVERAGE, symbol, token)
        self._ask("set_leverage", symbol, int(leverage))
        kept = scripting.run(
            self._client, "remember", [intents.LEVERAGE], [symbol, token, leverage]
        )
        if not kept:
            raise TransientError(f"another set the leverage of {symbol} at the same time")
