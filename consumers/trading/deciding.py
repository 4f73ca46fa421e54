"""Decide what becomes of an intent, from what is known of it. Pure: no clock, no exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from consumers.exchanges import BUY, CANCELED, EXPIRED, FILLED, REJECTED, Report
from streams import intents
from streams.ids import id_ms
from streams.outcomes import Outcome
from streams.trade_intent import TradeIntent

#: How far ahead of our clock an intent may have been made, in milliseconds.
AHEAD_MS = 30_000


def age_ms(made_ms: int, entry_id: str, now_ms: int) -> int:
    """Return how old an intent is; one that says it was made after its entry is as old as that."""
    of_entry = id_ms(entry_id)
    return now_ms - (min(made_ms, of_entry) if of_entry else made_ms)


def without_exchange(
    intent: TradeIntent, entry_id: str, now_ms: int, *, max_age_ms: int, shut: tuple[str, ...]
) -> Outcome | None:
    """Return how an intent ends that no exchange shall hear of, None where one shall."""
    if intent.canary:
        return Outcome(intents.DRAINED, "canary")
    if shut:
        return Outcome(intents.DRAINED, "safe_drain: " + ", ".join(shut))
    age = age_ms(intent.made_ms, entry_id, now_ms)
    if age > max_age_ms:
        return Outcome(intents.EXPIRED, f"too_old: {age // 1000} s")
    if age < -AHEAD_MS:
        return Outcome(intents.EXPIRED, f"from_the_future: {-age // 1000} s ahead")
    return None


def ending(report: Report) -> Outcome | None:
    """Return how an order ended by the exchange's word, None while it has not."""
    if report.status == FILLED:
        # a fill of nothing is no fill, whatever it is called
        return _filled(report, "") if report.filled > 0 else None
    if report.status not in (CANCELED, REJECTED, EXPIRED):
        return None
    how = f"{report.status.lower()}_by_exchange"
    if report.filled > 0:
        return _filled(report, f"partly_filled: {how}")
    state = intents.REJECTED if report.status == REJECTED else intents.FAILED
    return Outcome(state, how, exchange_order_id=report.exchange_order_id)


def _filled(report: Report, reason: str) -> Outcome:
    return Outcome(
        intents.FILLED, reason, "", report.filled, report.average_price, report.exchange_order_id
    )


class Sent(NamedTuple):
    """What is known of an order that may have been sent."""

    #: Until then, by our clock, a request of it may still land at the exchange.
    deadline_ms: int
    age_ms: int
    max_age_ms: int


class Settle(NamedTuple):
    """It ended."""

    outcome: Outcome


class Follow(NamedTuple):
    """The exchange has it, and it has not ended."""

    report: Report


class Wait(NamedTuple):
    """It may still land: ask again."""


class SendAgain(NamedTuple):
    """It never landed and never will: the same id may be sent again."""


Step = Settle | Follow | Wait | SendAgain


def next_step(found: Report | None, sent: Sent, now_ms: int) -> Step:
    """Return what follows from the exchange's answer about an order that may have been sent.

    found: its report, None where the exchange knows no such order. Where it could not be asked
    there is no answer, and nothing follows.
    """
    if found is not None:
        outcome = ending(found)
        return Settle(outcome) if outcome else Follow(found)
    if now_ms < sent.deadline_ms:
        return Wait()
    if sent.age_ms > sent.max_age_ms:
        return Settle(Outcome(intents.EXPIRED, "too_old: it never landed, and is not sent again"))
    return SendAgain()


def stops_are_wrong(
    side: str, price: Decimal, stop_loss: Decimal | None, take_profit: Decimal | None
) -> str:
    """Return which of an entry's stops lies on the wrong side of the price, "" where none does."""
    above = side == BUY
    if stop_loss is not None and (stop_loss >= price if above else stop_loss <= price):
        return "stop_loss"
    if take_profit is not None and (take_profit <= price if above else take_profit >= price):
        return "take_profit"
    return ""


def closing(side: str, position: Decimal, wanted: Decimal | None) -> tuple[str, Decimal] | None:
    """Return side and quantity of what reduces a position; None where there is none to reduce.

    side: BUY, SELL, or FLAT for all of it whichever way it goes. Never more than is open.
    """
    reducing = "SELL" if position > 0 else BUY
    if position == 0 or side not in (reducing, "FLAT"):
        return None
    size = abs(position)
    return reducing, size if side == "FLAT" or wanted is None else min(wanted, size)
