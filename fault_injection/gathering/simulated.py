"""Orders at the simulated exchange, by its own record: two under one id are two."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.orders import Order
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import NS_PER_MS, Command, Moment
from fault_injection.history.happenings import Effect
from harness.errors import HistoryError
from streams.intents import FILLED, LEGS, client_order_id

WITHIN_S = 30.0
#: An order that is one of these has found all the takers that it finds.
ENDED = frozenset({"CANCELED", "EXPIRED"})


def accepted(url: str) -> list[dict[str, Any]]:
    """Return every order that the exchange has accepted. Raises HistoryError."""
    try:
        with urllib.request.urlopen(f"{url}/control/orders", timeout=WITHIN_S) as answer:  # noqa: S310
            found = json.load(answer)
    except (OSError, ValueError) as error:
        raise HistoryError(
            f"the exchange simulator at {url} does not show its orders: {error}",
            action="look whether it runs",
        ) from error
    return list(found)


def newest(url: str) -> int:
    """Return the number of the newest order."""
    return max((int(each["order_id"]) for each in accepted(url)), default=0)


class Book:
    """The exchange's book; it is asked once all intents have been heard of."""

    def __init__(self, client: Any, place: Place, opened: Opened) -> None:
        del client
        self._flow, self._url, self._opened = place.flow, place.exchange, opened
        self._by_id: dict[str, list[dict[str, Any]]] | None = None

    def commands(self) -> list[Command]:
        """Return nothing: Redis does not keep what the exchange knows."""
        return []

    def standing(self, at: Moment) -> dict[str, Any]:
        """Return the number of the newest order."""
        del at
        return {"order_id": newest(self._url)}

    def orders(self, names: Sequence[str]) -> dict[str, list[Order]]:
        """Return the orders of these identities, which are then explained."""
        by_id = self._read()
        found: dict[str, list[Order]] = {}
        for who in names:
            for leg in LEGS:
                for each in by_id.pop(client_order_id(who, leg), ()):
                    found.setdefault(who, []).append(_order(leg, each))
        return found

    def explain(self, order: Order, *, before: bool) -> None:
        """Do nothing: each order stands for itself."""

    def from_before(self, result: Mapping[str, str]) -> None:
        """Forget the orders of an intent that waited already as the run began."""
        self._read().pop(result.get("client_order_id", ""), None)

    def unexplained(self, at: Moment) -> Iterator[Effect]:
        """Yield an effect for each entry order of the run that no intent asked for."""
        del at
        known = {client_order_id(who) for who, *_ in self._opened.waiting.values()}
        for name, orders in self._read().items():
            for each in orders:
                new = int(each["order_id"]) > self._opened.order_id
                if new and name.startswith("qe-") and name not in known:
                    ref = f"{name}:{each['order_id']}"
                    yield Effect(flow=self._flow, identity=f"order {name}", ref=ref)

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        if self._by_id is None:
            self._by_id = {}
            for each in accepted(self._url):
                self._by_id.setdefault(str(each["client_order_id"]), []).append(each)
        return self._by_id


def _order(leg: str, each: Mapping[str, Any]) -> Order:
    return Order(
        leg,
        f"{each['client_order_id']}:{each['order_id']}",
        str(each["symbol"]),
        str(each["side"]),
        # of a part that was filled it is told that it was, whatever became of the rest
        FILLED if Decimal(each["filled"]) and each["status"] in ENDED else str(each["status"]),
        str(each["filled"]),
        int(each["at_ms"]) * NS_PER_MS,
    )
