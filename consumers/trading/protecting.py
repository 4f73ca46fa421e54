"""Look after what protects a position: its stop loss and its take profit, orders of their own.

They are placed once the entry has filled, for what was filled; asked for by their client order ids
and placed again where they are missing; cancelled once one of them has filled or the position is
closed. One process at a time looks after an identity's, by a lease with an epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from consumers.exchanges import FINAL, Exchange, ExchangeError, Refused, Report
from consumers.loop.context import Context
from consumers.trading.asking import Asker, NotAskedError
from consumers.trading.describing import booked, protections, protective_order
from consumers.trading.keeping import Keeper, Watch
from consumers.trading.settings import Settings

#: How soon one looks again after the exchange could not be asked, in milliseconds.
SOON_MS = 1_000
WANTED, SUBMITTING, RESTING = "WANTED", "SUBMITTING", "RESTING"
FILLED, GONE, REFUSED = "FILLED", "GONE", "REFUSED"
#: Nothing more happens to a leg there.
OVER = frozenset({FILLED, GONE, REFUSED})


@dataclass(frozen=True, slots=True)
class Leg:
    """One protective order of a watched intent."""

    name: str
    watch: Watch

    @property
    def state(self) -> str:
        """Return how it stands."""
        return self.watch.of.get(f"{self.name}_state", WANTED)

    @property
    def quantity(self) -> Decimal:
        """Return what there is to protect, in base units."""
        return Decimal(self.watch.of["filled_qty"])


class Protector:
    """Looks after protective orders on one exchange."""

    def __init__(self, context: Context[Settings], asker: Asker, keeper: Keeper) -> None:
        self._context, self._asker, self._keeper = context, asker, keeper
        self._exchange: Exchange = asker.exchange
        wanted = context.settings
        self._every_ms = int(1000 * wanted.protection_every_s)
        self._lands_within_ms = 0 if self._exchange.instant else (
            int(1000 * wanted.exchange_timeout_s) + self._exchange.validity_ms
            + wanted.clock_skew_ms
        )  # fmt: skip

    def look(self, identity: str) -> None:
        """See to one identity's protective orders, unless another does."""
        watch = self._keeper.watch(identity)
        if watch is None:
            return
        legs = [Leg(name, watch) for name in protections(watch.of)]
        try:
            for leg in legs:
                self._see_to(leg)
            over = self._position_is_over(watch, legs)
            for leg in legs:
                if over:
                    self._cancel(leg)
                else:
                    self._miss(leg)
        except (ExchangeError, NotAskedError) as error:
            self._context.log.warning(
                "protection waits for the exchange", identity=identity, cause=str(error)
            )
            self._keeper.release(watch, self._context.now_ms() + SOON_MS)
            return
        if all(leg.state in OVER for leg in legs):
            self._keeper.over(watch)
        else:
            self._keeper.release(watch, self._next_ms(legs))

    def _next_ms(self, legs: list[Leg]) -> int:
        waits_for = any(leg.state != RESTING for leg in legs)
        return self._context.now_ms() + (min(SOON_MS, self._every_ms) if waits_for
                                         else self._every_ms)  # fmt: skip

    def _see_to(self, leg: Leg) -> None:
        """Ask for a leg, and place it where there is none and none can land any more."""
        if leg.state in OVER:
            return
        order = protective_order(leg.watch.of, leg.name, leg.quantity)
        if leg.state != WANTED:
            found = self._asker.ask("find", order.symbol, order.client_order_id)
            if found is not None:
                self._heard(leg, found)
                return
            if self._context.now_ms() < int(leg.watch.of.get(f"{leg.name}_deadline_ms") or 0):
                return
            if leg.state == RESTING:
                self._context.log.warning(
                    "a protective order is missing: placing it again", leg=leg.name,
                    identity=leg.watch.of["identity"],
                )  # fmt: skip
        self._place(leg)

    def _place(self, leg: Leg) -> None:
        context, watch = self._context, leg.watch
        order = protective_order(watch.of, leg.name, leg.quantity)
        deadline_ms = context.now_ms() + self._lands_within_ms
        context.failpoint("execution.before_protect")
        self._keeper.write(watch, {
            f"{leg.name}_state": SUBMITTING,
            f"{leg.name}_order_id": order.client_order_id,
            f"{leg.name}_deadline_ms": str(deadline_ms),
        })  # fmt: skip
        try:
            report = self._asker.ask("place", order)
        except Refused as error:
            why = str(error)
        else:
            why = ""
        if why:
            fields = {f"{leg.name}_state": REFUSED, f"{leg.name}_reason": why}
            self._keeper.write(watch, fields, alert=f"{leg.name} refused: {why}")
            self._unprotected(leg, why)
            return
        context.failpoint("execution.after_protect")
        self._heard(leg, report)

    def _heard(self, leg: Leg, report: Report) -> None:
        """Write how a leg stands by the exchange's word."""
        ended = FILLED if report.filled > 0 else GONE
        state = ended if report.status in FINAL else RESTING
        if state == leg.state:
            return
        fields = {f"{leg.name}_state": state, f"{leg.name}_filled_qty": f"{report.filled:f}"}
        self._keeper.write(leg.watch, fields)
        self._context.log.info(
            "protective order", leg=leg.name, state=state, status=report.status,
            identity=leg.watch.of["identity"], symbol=leg.watch.of["symbol"],
        )  # fmt: skip
        if state == FILLED:
            self._context.metrics.add("protection_filled_total", leg=leg.name)

    def _position_is_over(self, watch: Watch, legs: list[Leg]) -> bool:
        """Tell whether nothing is left to protect: a leg has filled, or the position is closed.

        A position that the exchange shows as closed is believed the second time: right after the
        fill its books may lag, and cancelling a stop too soon cannot be made good.
        """
        if any(leg.state == FILLED for leg in legs):
            return True
        position = self.position(watch.of["symbol"])
        side = 1 if watch.of["order_side"] == "BUY" else -1
        seen = watch.of.get("closed_seen") == "true"
        closed = position * side <= 0
        if closed != seen:
            self._keeper.write(watch, {"closed_seen": "true" if closed else "false"})
        return closed and (seen or self._exchange.instant)

    def _miss(self, leg: Leg) -> None:
        """Alert, once, that a leg has ended without a fill while the position is open."""
        if leg.state == GONE and leg.watch.of.get(f"{leg.name}_missed") != "true":
            self._keeper.write(
                leg.watch, {f"{leg.name}_missed": "true"},
                alert=f"{leg.name} was cancelled or has expired while the position is open",
            )  # fmt: skip
            self._unprotected(leg, "cancelled or expired, not by us")

    def _unprotected(self, leg: Leg, why: str) -> None:
        of = leg.watch.of
        self._context.metrics.add("unprotected_total", leg=leg.name)
        self._context.log.error(
            "UNPROTECTED", identity=of["identity"], symbol=of["symbol"], leg=leg.name, why=why
        )

    def position(self, symbol: str) -> Decimal:
        """Return what the exchange holds, and let the guard reckon with it."""
        before = self._keeper.reckoned(symbol)
        position: Decimal = self._asker.ask("position", symbol)
        self._keeper.reconcile(symbol, before, position)
        return position

    def _cancel(self, leg: Leg) -> None:
        if leg.state in OVER:
            return
        order = protective_order(leg.watch.of, leg.name, leg.quantity)
        if leg.state == WANTED:
            self._keeper.write(leg.watch, {f"{leg.name}_state": GONE})
            return
        report = self._asker.ask("cancel", order.symbol, order.client_order_id)
        if report is None:
            report = self._asker.ask("find", order.symbol, order.client_order_id)
        if report is None:
            # unknown there: gone, unless the request that placed it can still land
            if self._context.now_ms() >= int(leg.watch.of.get(f"{leg.name}_deadline_ms") or 0):
                self._keeper.write(leg.watch, {f"{leg.name}_state": GONE})
            return
        if self._exchange.instant:
            self._keeper.book(leg.watch, booked(order, report.status, Decimal(0), Decimal(0)))
        self._heard(leg, report)
