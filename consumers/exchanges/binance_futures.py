"""Trade Binance's USD-M futures; python-binance signs and names the calls, our wire sends them."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from binance.client import Client  # type: ignore[import-untyped]

from consumers.exchanges import (
    CANCELED,
    MARKET,
    ClockSkew,
    ExchangeError,
    NotSent,
    Order,
    OutcomeUnknown,
    Refused,
    Report,
    answers,
    symbol_rules,
)
from consumers.exchanges.hosts import Origin
from consumers.exchanges.shapes import refuse_leverage, refuse_names, refuse_order
from consumers.exchanges.wire import Session, Wire

#: How long one call may take, everything included, in seconds.
TIMEOUT_S = 5.0
#: How old a request may be when the exchange handles it, by the exchange's clock, in milliseconds.
RECV_WINDOW_MS = 5_000
#: How far ahead of its own clock the exchange lets a request be: so much longer it can still land.
AHEAD_MS = 1_000
#: How long what a symbol allows is believed, in seconds.
RULES_FOR_S = 3_600.0


def wall_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class BinanceFutures:
    """One account in one-way mode, asked one call at a time by one thread."""

    name = "binance_futures"
    instant = False

    def __init__(
        self,
        *,
        mode: str,
        origin: Origin,
        key: str,
        secret: str,
        timeout_s: float = TIMEOUT_S,
        recv_window_ms: int = RECV_WINDOW_MS,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.validity_ms = recv_window_ms + AHEAD_MS
        self._now_ms = now_ms
        #: What the exchange's clock shows more than ours, as far as we were told.
        self._ahead_ms = 0
        self._wire = Wire(mode, origin, timeout_s)
        self._client = client(origin, key, secret, self._wire)
        self._rules: dict[str, symbol_rules.SymbolRules] = {}
        self._rules_until = 0.0

    def place(self, order: Order) -> Report:
        """Send `order` once; where its id is taken by an open order, report on that one."""
        self._wire.begin()
        call, words = self._words(order)
        window_ms = min(order.valid_ms or self.validity_ms, self.validity_ms) - AHEAD_MS
        if window_ms <= 0:
            raise Refused("unsendable", f"valid_ms {order.valid_ms} is not above {AHEAD_MS}")
        try:
            answer = self._ask(call, window_ms=window_ms, **words)
        except Refused as error:
            if error.code not in (answers.TAKEN, answers.BAD_ID):
                raise
            refusal = error
        else:
            return self._reported(answer, order)
        return self._already_there(order, refusal)

    def find(self, symbol: str, client_order_id: str) -> Report | None:
        """Return the order of that id; None where neither list of the exchange's has it.

        The exchange forgets a cancelled order that never filled after 3 days, any after 90.
        """
        self._wire.begin()
        refuse_names(symbol, client_order_id)
        return self._found(symbol, client_order_id)

    def cancel(self, symbol: str, client_order_id: str) -> Report | None:
        """Cancel a resting order of either kind, None where none rests; it may be asked again."""
        self._wire.begin()
        refuse_names(symbol, client_order_id)
        answer = self._known(
            self._client.futures_cancel_algo_order, symbol=symbol, clientAlgoId=client_order_id
        )
        if answer is not None:
            # it had not been triggered, else it could not have been cancelled here
            exchange_id = answers.identity(answers.shaped(answer).get("algoId"))
            return Report(client_order_id, CANCELED, Decimal(0), Decimal(0), exchange_id)
        answer = self._known(
            self._client.futures_cancel_order, symbol=symbol, origClientOrderId=client_order_id
        )
        return None if answer is None else answers.report(answer, client_order_id)

    def set_leverage(self, symbol: str, leverage: int) -> None:
        """Set it; it may be asked again."""
        self._wire.begin()
        refuse_names(symbol)
        refuse_leverage(leverage)
        try:
            answer = self._ask(
                self._client.futures_change_leverage, symbol=symbol, leverage=leverage
            )
        except Refused as error:
            if error.code in answers.NOTHING_TO_CHANGE:
                return
            raise
        if answers.shaped(answer).get("leverage") != leverage:
            raise OutcomeUnknown("an answer about another leverage")

    def quantity(
        self, symbol: str, wanted: Decimal, price: Decimal, *, closing: bool = False
    ) -> Decimal:
        """Return `wanted` rounded down to the symbol's step; Refused below the least."""
        self._wire.begin()
        return symbol_rules.rounded(self._rule(symbol), wanted, price, closing=closing)

    def price(self, symbol: str) -> Decimal:
        """Return the mark price."""
        self._wire.begin()
        refuse_names(symbol)
        answer = answers.shaped(self._ask(self._client.futures_mark_price, symbol=symbol))
        price = answers.number(answer.get("markPrice"))
        if answer.get("symbol") != symbol or not price:
            raise OutcomeUnknown(f"an answer without the price of {symbol}")
        return price

    def position(self, symbol: str) -> Decimal:
        """Return the position in signed base units; 0 where the exchange lists none."""
        self._wire.begin()
        refuse_names(symbol)
        listed = self._ask(self._client.futures_position_information, symbol=symbol)
        if not isinstance(listed, list):
            raise OutcomeUnknown("an answer in no known shape")
        sizes = (
            answers.number(each.get("positionAmt"), signed=True)
            for each in map(answers.shaped, listed)
            if each.get("symbol") == symbol
        )
        return sum(sizes, Decimal(0))

    def _words(self, order: Order) -> tuple[Callable[..., Any], dict[str, Any]]:
        """Return what to call, and with what. Raises Refused, or NotSent without the rules."""
        refuse_order(order)
        words = {
            "symbol": order.symbol,
            "side": order.side,
            "type": order.kind,
            "quantity": f"{order.quantity.normalize():f}",
            "reduceOnly": "true" if order.reduce_only else "false",
        }
        if order.stop_price is None:
            words |= {"newClientOrderId": order.client_order_id, "newOrderRespType": "RESULT"}
            return self._client.futures_create_order, words
        try:
            rule = self._rule(order.symbol)
        except OutcomeUnknown as error:
            unread = str(error)
        else:
            trigger = f"{symbol_rules.on_tick(rule, order.stop_price):f}"
            words |= {"clientAlgoId": order.client_order_id, "triggerPrice": trigger}
            return self._client.futures_create_algo_order, words
        raise NotSent(f"what {order.symbol} allows could not be read: {unread}")

    def _reported(self, answer: Any, order: Order) -> Report:
        if order.kind == MARKET:
            return answers.report(answer, order.client_order_id)
        said = answers.conditional_report(answer, order.client_order_id)
        return (
            said
            if isinstance(said, Report)
            else self._became(order.symbol, order.client_order_id, said)
        )

    def _already_there(self, order: Order, refusal: Refused) -> Report:
        """Report on the open order that has the id: an earlier try of ours that did land.

        Not simply refused: the caller would write REJECTED over an order that exists.
        """
        try:
            found = self._found(order.symbol, order.client_order_id)
        except ExchangeError as error:
            unknown = f"{refusal}; asking for it failed: {error}"
        else:
            if found is not None:
                return found
            if refusal.code == answers.BAD_ID:
                raise refusal
            unknown = f"{refusal}; yet no such order is known"
        raise OutcomeUnknown(unknown)

    def _found(self, symbol: str, client_order_id: str) -> Report | None:
        answer = self._known(
            self._client.futures_get_order, symbol=symbol, origClientOrderId=client_order_id
        )
        if answer is not None:
            return answers.report(answer, client_order_id)
        # stops rest in a list of their own, with ids of their own
        answer = self._known(
            self._client.futures_get_algo_order, symbol=symbol, clientAlgoId=client_order_id
        )
        if answer is None:
            return None
        said = answers.conditional_report(answer, client_order_id)
        return said if isinstance(said, Report) else self._became(symbol, client_order_id, said)

    def _became(self, symbol: str, client_order_id: str, exchange_id: str) -> Report:
        """Report on the order that a stop became when it was triggered."""
        answer = self._ask(self._client.futures_get_order, symbol=symbol, orderId=exchange_id)
        return answers.report(answer, client_order_id, named=False)

    def _known(self, call: Callable[..., Any], **words: Any) -> Any:
        """Return the answer, None where the exchange knows no such order."""
        try:
            return self._ask(call, **words)
        except Refused as error:
            if error.code in answers.NO_SUCH_ORDER:
                return None
            raise

    def _rule(self, symbol: str) -> symbol_rules.SymbolRules:
        if time.monotonic() >= self._rules_until:
            self._rules = symbol_rules.rules(self._ask(self._client.futures_exchange_info))
            self._rules_until = time.monotonic() + RULES_FOR_S
        if symbol not in self._rules:
            raise Refused("unknown_symbol", symbol)
        return self._rules[symbol]

    def _ask(self, call: Callable[..., Any], *, window_ms: int = 0, **words: Any) -> Any:
        """Return the decoded answer of one call of the library's. Raises ExchangeError only."""
        ours, library = self._now_ms(), time.time() * 1000
        self._client.timestamp_offset = ours + self._ahead_ms - library
        self._client.REQUEST_RECVWINDOW = window_ms or self.validity_ms - AHEAD_MS
        try:
            return call(**words)
        except ExchangeError as error:
            failure = error
        except Exception as error:  # noqa: BLE001  the library's own: an answer it cannot read
            failure = OutcomeUnknown(f"an answer that cannot be read ({type(error).__name__})")
        if isinstance(failure, ClockSkew):
            self._ask_the_time()
        # without the library's frames and errors: they hold the signed request
        raise failure.with_traceback(None)

    def _ask_the_time(self) -> None:
        """Learn how far apart the clocks are; what fails here fails again at the next call."""
        before = self._now_ms()
        try:
            theirs = self._client.futures_time()["serverTime"]
        except Exception:  # noqa: BLE001
            return
        if isinstance(theirs, int):
            self._ahead_ms = theirs - (before + self._now_ms()) // 2


def client(origin: Origin, key: str, secret: str, wire: Wire) -> Any:
    """Return the library's client, which can send by `wire` alone and has asked nothing yet."""
    made = Client(key, secret, ping=False)
    made.session.close()
    made.session = Session(wire)
    made.session.headers["X-MBX-APIKEY"] = key
    made.FUTURES_URL = f"{origin.url}/fapi"
    return made
