"""Take one intent from its claim to its end: begin, send, ask, settle; never guess.

What may have been sent is asked for by its client order id, and sent again, under the same id, only
where the exchange knows no such order and no request of it can land any more. Where the exchange
cannot be asked the entry stays pending; after MAX_DELIVERIES the intent is UNKNOWN, and alerts.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal

from consumers.exchanges import ExchangeError, Order, OutcomeUnknown, Refused, Report
from consumers.loop.connecting import waits
from consumers.loop.context import Context
from consumers.loop.failing import TransientError
from consumers.trading import recording
from consumers.trading.asking import Asker, NotAskedError
from consumers.trading.deciding import (
    Follow,
    SendAgain,
    Sent,
    Settle,
    age_ms,
    ending,
    next_step,
)
from consumers.trading.describing import entry_order, with_order
from consumers.trading.ending import Ender
from consumers.trading.preparing import Preparer, refusal
from consumers.trading.recording import Began, Records, Step
from consumers.trading.settings import Settings
from streams import intents
from streams.outcomes import Outcome, plain
from streams.trade_intent import TradeIntent

#: An order leaves so soon after its record says SUBMITTING, or not at all, in milliseconds.
LEAVE_WITHIN_MS = 1_000
#: So often is an order asked for in a row without any answer, before others get their turn.
ASKS = 3


@dataclass(frozen=True, slots=True)
class Trade:
    """An intent that is ours to settle."""

    of: dict[str, str]
    epoch: str
    deliveries: int
    order: Order | None = None
    #: the price that the guard believes
    believed: Decimal = Decimal(0)
    leverage: str = ""

    @property
    def asked_for(self) -> tuple[str, str]:
        """Return what its order is found by."""
        return self.of["symbol"], self.of["client_order_id"]


class Machine:
    """Settles intents one by one on an exchange."""

    def __init__(
        self, context: Context[Settings], asker: Asker, records: Records, ender: Ender
    ) -> None:
        self._context, self._asker, self._records, self._ender = context, asker, records, ender
        self._preparer = Preparer(context.client, asker)
        self._instant = asker.exchange.instant
        wanted = context.settings
        # after a call of ours has ended, and counted from the moment it was begun
        self._lands_within_ms = asker.exchange.validity_ms + wanted.clock_skew_ms
        call_ms = LEAVE_WITHIN_MS + int(1000 * wanted.exchange_timeout_s)
        self._over_within_ms = 0 if self._instant else call_ms + self._lands_within_ms

    def fresh(self, intent: TradeIntent, of: dict[str, str], began: Began) -> None:
        """Send a claimed intent. Raises TransientError where that must wait."""
        trade = Trade(of, began.epoch, began.deliveries)
        try:
            ready = self._preparer.prepare(intent)
        except ExchangeError as error:
            raise TransientError(f"{of['stream_id']}: {error}") from error
        if isinstance(ready, Outcome):
            self._ender.end(trade.of, trade.epoch, ready)
            return
        order = ready.order
        self._send(dataclasses.replace(
            trade, of=with_order(of, order) | {"believed": plain(ready.believed)}, order=order,
            believed=ready.believed, leverage=ready.leverage,
        ))  # fmt: skip

    def taken_over(self, began: Began) -> None:
        """Settle what was SUBMITTING when whoever had it died, or lost the link."""
        of = began.of
        order = entry_order(of)
        believed = Decimal(of["believed"])
        trade = Trade(of, began.epoch, began.deliveries, order, believed)
        self._context.log.warning(
            "an order may be under way: asking for it", id=of["stream_id"],
            identity=of["identity"], client_order_id=of["client_order_id"],
        )  # fmt: skip
        self._until_settled(trade, int(of.get("deadline_ms") or 0))

    def _send(self, trade: Trade) -> None:
        """Write that it is under way, then send it."""
        context, order = self._context, trade.order
        assert order is not None
        now_ms = context.now_ms()
        deadline_ms = now_ms + self._over_within_ms
        context.failpoint("execution.before_begin")
        began = self._records.begin([Step(
            recording.SUBMITTING, trade.of, trade.epoch, order, trade.believed, trade.leverage,
            deadline_ms,
        )])[0]  # fmt: skip
        context.failpoint("execution.after_begin")
        if began.word == recording.REFUSED:
            self._ender.end(trade.of, trade.epoch, Outcome(intents.REJECTED, began.reason))
            return
        if began.word == recording.LEVERAGE:
            raise TransientError(f"the leverage of {order.symbol} was changed meanwhile")
        if began.word != recording.SUBMITTING:
            context.log.info("taken over meanwhile", id=trade.of["stream_id"], found=began.word)
            return
        if not self._instant and not 0 <= context.now_ms() - now_ms <= LEAVE_WITHIN_MS:
            # the exchange's clock runs from when it is sent, a peer's from the record
            self._nothing_under_way(trade, "held up between its record and its request")
        context.failpoint("execution.before_submit")
        try:
            report = self._asker.ask("place", order)
        except Refused as error:
            self._ender.end(trade.of, trade.epoch, refusal(error))
        except OutcomeUnknown as error:
            context.log.warning(
                "sent, and nobody knows what became of it: asking", identity=trade.of["identity"],
                client_order_id=order.client_order_id, cause=str(error),
            )  # fmt: skip
            # the call is over, so it has left by now if it ever does
            self._until_settled(
                trade, min(deadline_ms, context.now_ms() + self._lands_within_ms), pause=True
            )
        except (ExchangeError, NotAskedError) as error:
            self._nothing_under_way(trade, str(error))
        else:
            context.failpoint("execution.after_submit")
            outcome = ending(report)
            if outcome is not None:
                self._ender.end(trade.of, trade.epoch, outcome)
            else:
                self._until_settled(trade, deadline_ms, report)

    def _nothing_under_way(self, trade: Trade, cause: str) -> None:
        """Write that nothing was sent, so that the next try need not wait; raise for it."""
        self._records.note(trade.of, trade.epoch, deadline_ms="0")
        raise TransientError(f"{trade.of['stream_id']}: {cause}")

    def _until_settled(
        self, trade: Trade, deadline_ms: int, found: Report | None = None, *, pause: bool = False
    ) -> None:
        """Ask for the order until it has ended, can be sent again, or cannot be asked for."""
        context, of = self._context, trade.of
        max_age_ms = 1000 * context.settings.intent_max_age_s
        cancel_at_ms = context.now_ms() + int(1000 * context.settings.order_follow_s)
        unanswered, known = 0, found is not None
        pauses = waits()
        while True:
            if known:
                now_ms = context.now_ms()
                age = age_ms(int(of["made_ms"]), of["stream_id"], now_ms)
                match next_step(found, Sent(deadline_ms, age, max_age_ms), now_ms):
                    case Settle(outcome):
                        self._ender.end(of, trade.epoch, outcome)
                        return
                    case SendAgain():
                        self._again(trade)
                        return
                    case Follow(report):
                        self._follow(trade, report, cancel=now_ms >= cancel_at_ms)
            if known or pause or unanswered:
                self._pause(trade, next(pauses))
            try:
                found = self._asker.ask("find", *trade.asked_for)
                known, unanswered = True, 0
            except (ExchangeError, NotAskedError) as error:
                known, unanswered = False, unanswered + 1
                if unanswered >= ASKS or isinstance(error, NotAskedError):
                    self._cannot_ask(trade, found, error)
                    return

    def _again(self, trade: Trade) -> None:
        self._context.log.warning(
            "it never landed and never will: sending it again", identity=trade.of["identity"],
            client_order_id=trade.of["client_order_id"],
        )  # fmt: skip
        self._context.metrics.add("sent_again_total")
        self._send(trade)

    def _follow(self, trade: Trade, report: Report, *, cancel: bool) -> None:
        """Keep what is filled so far; cancel what stays open for too long."""
        if report.filled:
            self._records.note(
                trade.of, trade.epoch, filled_qty=f"{report.filled:f}",
                average_price=f"{report.average_price:f}",
            )  # fmt: skip
        if cancel:
            try:
                self._asker.ask("cancel", *trade.asked_for)
            except (ExchangeError, NotAskedError) as error:
                # asked for again in a moment, whatever became of this
                self._context.log.warning("not cancelled yet", cause=str(error))

    def _cannot_ask(self, trade: Trade, last: Report | None, error: Exception) -> None:
        """Leave it pending, or say that nobody knows once that was tried often enough."""
        if trade.deliveries < self._context.settings.max_deliveries:
            raise TransientError(f"{trade.of['stream_id']}: cannot be asked for: {error}")
        self.nobody_knows(trade, f"cannot_ask: {error}", last)

    def nobody_knows(self, trade: Trade, reason: str, last: Report | None = None) -> None:
        """Make it UNKNOWN, with the last that was heard of it."""
        outcome = Outcome(intents.UNKNOWN, reason)
        if last is not None:
            outcome = outcome._replace(
                filled=last.filled, average_price=last.average_price,
                exchange_order_id=last.exchange_order_id,
            )  # fmt: skip
        self._ender.end(trade.of, trade.epoch, outcome)

    def _pause(self, trade: Trade, seconds: float) -> None:
        self._context.stop.wait(seconds)
        self._context.progress()
        if self._context.stop:
            raise TransientError(f"{trade.of['stream_id']}: asked to stop while it is under way")
