"""Take requests, give them to the engine now, later or never, and keep the log; for any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from fault_injection.exchange_simulator.answering import PUBLIC, SIGNED, place
from fault_injection.exchange_simulator.checking import check_age, check_signed
from fault_injection.exchange_simulator.engine import Engine, Fill, Placed, Rejected
from fault_injection.exchange_simulator.misbehaving import (
    NOW,
    Misbehaviour,
    Plan,
    misbehaviour,
)
from fault_injection.exchange_simulator.recording import Answer, Call, as_json

#: The parameters that name an order.
IDS = ("newClientOrderId", "origClientOrderId", "clientAlgoId")


def wall_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class SimulatedExchange:
    """One account at the exchange, without the HTTP around it."""

    def __init__(
        self,
        *,
        key: str = "simulated-key",
        secret: str = "simulated-secret",  # noqa: S107  it protects nothing
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.key, self.secret = key, secret
        self._wall_ms = now_ms
        self._lock = threading.RLock()
        self._calls: list[Call] = []
        self._earlier: list[dict[str, Any]] = []  # of the one that this one goes on for
        self._forget()

    def _forget(self) -> None:
        self._engine, self._plan = Engine(), Plan()
        self._ahead_ms = 0

    def arrive(
        self,
        method: str,
        path: str,
        query: str = "",
        body: str = "",
        headers: Mapping[str, str] | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> Call:
        """Take one request; where nothing is planned for it, it has its effect here and now."""
        words = dict(parse_qsl(f"{query}&{body}", keep_blank_values=True))
        words.pop("signature", None)
        named = next((words[each] for each in IDS if each in words), "")
        with self._lock:
            call = Call(
                number=len(self._earlier) + len(self._calls) + 1,
                at_ms=self.now_ms(),
                method=method,
                path=path,
                words=words,
                client_order_id=named,
                wake=wake,
                wrong=self._plan.take(method, path, named),
                wall_ms=self._wall_ms(),
            )
            if call.wrong and call.wrong.hold_ms is None:
                call.reply = "held"
            self._calls.append(call)
            try:
                if (method, path) in SIGNED:
                    sent_key = (headers or {}).get("x-mbx-apikey")
                    check_signed(self.key, self.secret, sent_key, query, body)
            except Rejected as no:
                self._settle(call, refused(no), f"refused {no.code}")
                return call
            if call.when == NOW:
                self._carry_out(call)
        return call

    def land(self, call: Call) -> None:
        """Let a request that was on its way reach the engine, which may find it too old."""
        with self._lock:
            if call.in_flight and call in self._calls:
                self._carry_out(call)
        call.wake()

    def _carry_out(self, call: Call) -> None:
        route, now_ms = (call.method, call.path), self.now_ms()
        how: dict[str, Any] = {}
        if call.wrong and call.wrong.filled is not None:
            how = {"share": Decimal(call.wrong.filled), "rest": call.wrong.rest}
        try:
            if route in SIGNED:
                check_age(call.words, now_ms)
                run = SIGNED[route]
            elif route in PUBLIC:
                run = PUBLIC[route]
            else:
                run = nowhere
            said = run(self._engine, call.words, now_ms, **(how if run is place else {}))
        except Rejected as no:
            self._settle(call, refused(no), f"refused {no.code}")
        else:
            status = said.get("status", "done") if isinstance(said, dict) else "done"
            self._settle(call, as_json(200, said), status)

    def _settle(self, call: Call, answer: Answer, effect: str) -> None:
        call.answer, call.effect, call.effect_at_ms = answer, effect, self.now_ms()

    def now_ms(self) -> int:
        """Return the exchange's own time."""
        return self._wall_ms() + self._ahead_ms

    def set_clock(self, ahead_ms: int) -> None:
        """Let the exchange's clock show so much more than ours."""
        with self._lock:
            self._ahead_ms = ahead_ms

    def misbehave(self, name: str = "", **changes: Any) -> Misbehaviour:
        """Plan something of misbehaving.NAMED with changes, or of its own."""
        planned = misbehaviour(name, **changes)
        with self._lock:
            self._plan.add(planned)
        return planned

    def behave(self, label: str = "") -> None:
        """Drop what is planned, or what is planned under a label."""
        with self._lock:
            self._plan.clear(label)

    def planned(self) -> list[dict[str, Any]]:
        """Return what is still to come."""
        with self._lock:
            return self._plan.left()

    def go_on(self, orders: list[Placed], calls: list[dict[str, Any]]) -> None:
        """Take over the book and the log of another one, before anybody asks this one."""
        with self._lock:
            self._engine.take_over(orders)
            self._earlier = list(calls)

    def alone(self, work: Callable[[], None]) -> None:
        """Do something while no request can have an effect."""
        with self._lock:
            work()

    def release(self, label: str = "") -> int:
        """Land what is in flight, in order, and let go of every held reply; return how many.

        With a label, of the calls that something planned under it was done to.
        """
        with self._lock:
            waiting = [
                call for call in self._calls
                if (call.in_flight or call.reply == "held")
                and (not label or (call.wrong and call.wrong.label == label))
            ]  # fmt: skip
            for call in waiting:
                self.land(call)
        return len(waiting)

    def reset(self) -> None:
        """Start anew: nothing placed, planned or logged; what is in flight never lands."""
        with self._lock:
            old, self._calls, self._earlier = self._calls, [], []
            self._forget()
        for call in old:
            call.wake()

    def calls(self, kind: str = "", after: int = 0) -> list[dict[str, Any]]:
        """Return the log; of one kind ("POST /fapi/v1/order"), or after a call's number."""
        with self._lock:
            written = [*self._earlier, *(call.written() for call in self._calls)][after:]
        return [each for each in written if kind in ("", f"{each['method']} {each['path']}")]

    def fills(self) -> dict[str, list[Fill]]:
        """Return what was really bought and sold, by client order id."""
        with self._lock:
            made: dict[str, list[Fill]] = {}
            for fill in self._engine.fills:
                made.setdefault(fill.client_order_id, []).append(fill)
            return made

    def orders(self) -> list[Placed]:
        """Return every order and conditional order that was accepted, in order."""
        with self._lock:
            return [*self._engine.orders, *self._engine.conditionals]

    def position(self, symbol: str) -> Decimal:
        """Return what is held, signed."""
        with self._lock:
            return self._engine.positions.get(symbol, Decimal(0))

    def leverage(self, symbol: str) -> int | None:
        """Return what was set, None for nothing."""
        with self._lock:
            return self._engine.leverage.get(symbol)

    def move(self, symbol: str, price: Decimal | str) -> None:
        """Set a price, and trigger what it crosses. Raises KeyError for an unknown symbol."""
        with self._lock:
            self._engine.move(symbol, Decimal(price), self.now_ms())

    def trigger(self, client_order_id: str) -> None:
        """Trigger a conditional order by hand. Raises Rejected where none waits."""
        with self._lock:
            found = self._engine.find_conditional({"clientAlgoId": client_order_id})
            self._engine.trigger(found, self.now_ms())

    def fill_rest(self, client_order_id: str) -> None:
        """Fill what a partly filled order still wants. Raises Rejected where there is none."""
        with self._lock:
            found = self._engine.find({"origClientOrderId": client_order_id})
            self._engine.fill_rest(found, self.now_ms())


def nowhere(_engine: Engine, _words: Mapping[str, str], _now_ms: int) -> Any:
    """Answer for a path that is none. Raises Rejected."""
    raise Rejected(-5000, "Path is invalid", 404)


def refused(no: Rejected) -> Answer:
    """Return the exchange's no."""
    return as_json(no.status, {"code": no.code, "msg": no.words})
