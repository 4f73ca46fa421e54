"""Match orders as the exchange does; pure: time is given, nothing is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from fault_injection.exchange_simulator.symbols import Symbol, start

NEW, PARTIALLY_FILLED, FILLED = "NEW", "PARTIALLY_FILLED", "FILLED"
CANCELED, EXPIRED, TRIGGERED = "CANCELED", "EXPIRED", "TRIGGERED"
OPEN = frozenset({NEW, PARTIALLY_FILLED})
CONDITIONAL = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
LAST_LEVERAGE = 125
CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


class Rejected(Exception):  # noqa: N818  the exchange's answer, not a fault
    """The exchange says no: its code, its words, the HTTP status."""

    def __init__(self, code: int, words: str, status: int = 400) -> None:
        super().__init__(f"{code}: {words}")
        self.code, self.words, self.status = code, words, status


class Fill(NamedTuple):
    """Something really bought or sold."""

    client_order_id: str
    order_id: int
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at_ms: int


@dataclass
class Placed:
    """An order, or a conditional one that waits for its trigger."""

    order_id: int
    client_order_id: str
    symbol: str
    side: str
    kind: str
    quantity: Decimal
    reduce_only: bool
    at_ms: int
    trigger: Decimal | None = None
    status: str = NEW
    filled: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    #: The order that a triggered one became.
    became: int | None = None


@dataclass
class Engine:
    """One account."""

    symbols: dict[str, Symbol] = field(default_factory=start)
    orders: list[Placed] = field(default_factory=list)
    conditionals: list[Placed] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    positions: dict[str, Decimal] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)

    def place(
        self, words: Mapping[str, str], now_ms: int, *, share: Decimal = Decimal(1), rest: str = ""
    ) -> Placed:
        """Fill a MARKET order. Raises Rejected.

        share: how much of it finds a taker. rest: the status then, PARTIALLY_FILLED or EXPIRED.
        """
        order = self._order(words, now_ms, "newClientOrderId")
        if order.kind in CONDITIONAL:
            raise Rejected(
                -4120,
                "Order type not supported for this endpoint. Please use the Algo Order API"
                " endpoints instead.",
            )
        if order.kind != "MARKET":
            raise Rejected(-1116, "Invalid orderType.")
        self._refuse_taken(self.orders, order)
        if order.reduce_only:
            self._reduce(order)
        else:
            self._refuse_small(order)
        self.orders.append(order)
        self._fill(order, self._whole_steps(order, share), now_ms)
        if rest and order.filled < order.quantity:
            order.status = rest
        return order

    def place_conditional(self, words: Mapping[str, str], now_ms: int) -> Placed:
        """Let a stop wait for its trigger. Raises Rejected."""
        order = self._order(words, now_ms, "clientAlgoId")
        if order.kind not in CONDITIONAL or words.get("algoType") != "CONDITIONAL":
            raise Rejected(-1116, "Invalid orderType.")
        order.trigger = decimal(words, "triggerPrice")
        if order.trigger % Decimal(self.symbols[order.symbol].tick):
            raise Rejected(-4014, "Price not increased by tick size.")
        self._refuse_taken(self.conditionals, order)
        self.conditionals.append(order)
        return order

    def take_over(self, orders: list[Placed]) -> None:
        """Have the orders of another one, with all that came of them."""
        self.orders += [each for each in orders if each.kind not in CONDITIONAL]
        self.conditionals += [each for each in orders if each.kind in CONDITIONAL]
        for each in self.orders:
            if each.filled:
                signed = each.filled if each.side == "BUY" else -each.filled
                self.positions[each.symbol] = self.positions.get(each.symbol, Decimal(0)) + signed
                self.fills.append(
                    Fill(
                        each.client_order_id, each.order_id, each.symbol, each.side, each.filled,
                        each.price, each.at_ms,
                    )
                )  # fmt: skip

    def find(self, words: Mapping[str, str]) -> Placed:
        """Return the newest order of that id. Raises Rejected."""
        by_number, by_name = words.get("orderId"), words.get("origClientOrderId")
        return self._newest(self.orders, words.get("symbol"), by_number, by_name)

    def find_conditional(self, words: Mapping[str, str]) -> Placed:
        """Return the newest conditional order of that id. Raises Rejected."""
        by_number, by_name = words.get("algoId"), words.get("clientAlgoId")
        return self._newest(self.conditionals, None, by_number, by_name)

    def cancel(
        self, find: Callable[[Mapping[str, str]], Placed], words: Mapping[str, str]
    ) -> Placed:
        """Cancel and return what rests. Raises Rejected, whether it is gone or never was."""
        try:
            order = find(words)
        except Rejected:
            order = None
        if order is None or order.status not in OPEN:
            raise Rejected(-2011, "Unknown order sent.")
        order.status = CANCELED
        return order

    def trigger(self, order: Placed, now_ms: int) -> None:
        """Let a conditional order become a market order."""
        order.status = TRIGGERED
        number = 1 + len(self.orders)
        made = Placed(
            number, f"triggered-{number}", order.symbol, order.side, "MARKET",
            order.quantity, order.reduce_only, now_ms,
        )  # fmt: skip
        try:
            if made.reduce_only:
                self._reduce(made)
        except Rejected:
            order.status = EXPIRED
            return
        order.became = number
        self.orders.append(made)
        self._fill(made, made.quantity, now_ms, named=order.client_order_id)

    def move(self, symbol: str, price: Decimal, now_ms: int) -> None:
        """Set a price; what it triggers is triggered."""
        self.symbols[symbol] = self.symbols[symbol]._replace(price=price)
        for order in self.open(self.conditionals):
            if order.symbol == symbol and crossed(order, price):
                self.trigger(order, now_ms)

    def fill_rest(self, order: Placed, now_ms: int) -> None:
        """Let what is open of an order find its taker."""
        if order.status in OPEN:
            self._fill(order, order.quantity - order.filled, now_ms)

    @staticmethod
    def open(orders: list[Placed]) -> Iterator[Placed]:
        """Yield what rests."""
        return (order for order in list(orders) if order.status in OPEN)

    def set_leverage(self, words: Mapping[str, str]) -> int:
        """Set and return a symbol's leverage. Raises Rejected."""
        self.known(words)
        said = words.get("leverage", "")
        if not said.isdigit() or not 1 <= int(said) <= LAST_LEVERAGE:
            raise Rejected(-4028, f"Leverage {said} is not valid")
        self.leverage[words["symbol"]] = int(said)
        return int(said)

    def _order(self, words: Mapping[str, str], now_ms: int, name: str) -> Placed:
        """Return an order of a right shape. Raises Rejected."""
        symbol = self.known(words)
        if words.get("side") not in ("BUY", "SELL"):
            raise Rejected(-1117, "Invalid side.")
        conditional = name == "clientAlgoId"
        number = 1 + len(self.conditionals if conditional else self.orders)
        named = words.get(name, f"simulated-{number}")
        if not CLIENT_ORDER_ID.fullmatch(named):
            raise Rejected(-4015, "Client order id is not valid.")
        quantity = decimal(words, "quantity")
        if quantity % Decimal(symbol.step):
            raise Rejected(-1111, "Precision is over the maximum defined for this asset.")
        if quantity > Decimal(symbol.most):
            raise Rejected(-4005, "Quantity greater than max quantity.")
        return Placed(
            number, named, words["symbol"], words["side"], words.get("type", ""), quantity,
            words.get("reduceOnly") == "true", now_ms,
        )  # fmt: skip

    def known(self, words: Mapping[str, str]) -> Symbol:
        """Return the symbol that is meant. Raises Rejected."""
        if words.get("symbol") not in self.symbols:
            raise Rejected(-1121, "Invalid symbol.")
        return self.symbols[words["symbol"]]

    def _refuse_taken(self, orders: list[Placed], order: Placed) -> None:
        """Client order ids are unique among open orders, and among no others."""
        if any(each.client_order_id == order.client_order_id for each in self.open(orders)):
            raise Rejected(-4116, "ClientOrderId is duplicated.")

    def _refuse_small(self, order: Placed) -> None:
        symbol = self.symbols[order.symbol]
        if order.quantity * symbol.price < Decimal(symbol.least_notional):
            least = f"Order's notional must be no smaller than {symbol.least_notional}"
            raise Rejected(-4164, f"{least} (unless you choose reduce only)")

    def _reduce(self, order: Placed) -> None:
        """Cut an order down to what it can reduce. Raises Rejected where that is nothing."""
        held = self.positions.get(order.symbol, Decimal(0))
        against = held < 0 if order.side == "BUY" else held > 0
        if not against:
            raise Rejected(-2022, "ReduceOnly Order is rejected.")
        order.quantity = min(order.quantity, abs(held))

    def _whole_steps(self, order: Placed, share: Decimal) -> Decimal:
        wanted = order.quantity * share
        return wanted - wanted % Decimal(self.symbols[order.symbol].step)

    def _fill(self, order: Placed, quantity: Decimal, now_ms: int, named: str = "") -> None:
        if not quantity:
            return
        price = self.symbols[order.symbol].price
        order.price = (order.price * order.filled + price * quantity) / (order.filled + quantity)
        order.filled += quantity
        order.status = FILLED if order.filled == order.quantity else PARTIALLY_FILLED
        signed = quantity if order.side == "BUY" else -quantity
        self.positions[order.symbol] = self.positions.get(order.symbol, Decimal(0)) + signed
        self.fills.append(
            Fill(
                named or order.client_order_id, order.order_id, order.symbol, order.side,
                quantity, price, now_ms,
            )
        )  # fmt: skip

    @staticmethod
    def _newest(
        orders: list[Placed], symbol: str | None, number: str | None, named: str | None
    ) -> Placed:
        for order in reversed(orders):
            right = str(order.order_id) == number if number else order.client_order_id == named
            if right and symbol in (None, order.symbol):
                return order
        raise Rejected(-2013, "Order does not exist.")


def crossed(order: Placed, price: Decimal) -> bool:
    """Whether a price triggers a conditional order."""
    trigger = order.trigger or Decimal(0)
    rises = (order.side == "BUY") == (order.kind == "STOP_MARKET")
    return price >= trigger if rises else price <= trigger


def decimal(words: Mapping[str, str], name: str) -> Decimal:
    """Return a positive number. Raises Rejected."""
    if name not in words:
        raise Rejected(
            -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
        )
    try:
        value = Decimal(words[name])
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise Rejected(-4003, "Quantity less than or equal to zero.")
    return value
