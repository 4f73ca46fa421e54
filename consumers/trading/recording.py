"""Claim, begin and settle intents in Redis: by one script each, many intents at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from consumers.exchanges import Order
from consumers.exchanges.paper import POSITION, order_key
from consumers.loop.context import Context
from consumers.loop.failing import GroupMovedError, SpoiledKeyError
from consumers.loop.writing import as_json
from consumers.trading.describing import FALSE, TRUE
from consumers.trading.settings import Settings
from streams import intents, keys, outcomes, scripting
from streams.outcomes import Outcome, flat, micro_usd

Fields = dict[str, str]
#: A script's name, keys and arguments.
Words = tuple[str, list[str], list[Any]]

CLAIMED, SUBMITTING, UNDER_WAY = "CLAIMED", "SUBMITTING", "UNDER_WAY"
DUPLICATE, SETTLED, NOT_OURS = "DUPLICATE", "SETTLED", "NOT_OURS"
STALE, REFUSED, LEVERAGE = "STALE", "REFUSED", "LEVERAGE"
DONE, STANDS, NO_POSITION = "DONE", "STANDS", "NO_POSITION"

#: What is worth more is beyond every limit, in 1e-6 USD.
UNLIMITED = 10**15


class Began(NamedTuple):
    """What begin says of one intent; `word` is one of the constants above."""

    word: str
    epoch: str = ""
    deliveries: int = 0
    of: Fields = {}  # noqa: RUF012  never changed
    reason: str = ""


class Step(NamedTuple):
    """One intent on its way to `stage`: CLAIMED, or SUBMITTING with its order."""

    stage: str
    of: Fields
    epoch: str = ""
    order: Order | None = None
    #: the price that the guard believes
    believed: Decimal = Decimal(0)
    leverage: str = ""
    deadline_ms: int = 0


class End(NamedTuple):
    """One intent that ended; `epoch` is "" where it never had a record."""

    of: Fields
    epoch: str
    outcome: Outcome
    #: protective orders for paper's book, as `booked` gives them
    resting: Sequence[list[object]] = ()
    #: fields about its protective orders
    more: Mapping[str, str] = {}
    #: when they are to be looked at, in milliseconds; "" where it has none
    look_ms: str = ""
    #: what is filled without having been begun (on paper), and the price that the guard believes
    order: Order | None = None
    believed: Decimal = Decimal(0)


class Records:
    """The records of one group's intents, as one consumer writes them."""

    def __init__(self, context: Context[Settings], *, paper: bool) -> None:
        self._context, self._client, self._paper = context, context.client, paper
        wanted, place = context.settings, context.place
        self._limits = {
            "max_order": micro_usd(wanted.max_notional_per_order_usd),
            "max_symbol": micro_usd(wanted.max_notional_per_symbol_usd),
            "max_open": wanted.max_open_positions,
            "max_orders": wanted.max_orders_per_minute,
        }
        self._begin_keys = [
            place.stream, place.status, intents.EXPOSURE, intents.OPEN_SYMBOLS, intents.ORDER_RATE,
            intents.LEVERAGE, intents.KILL_SWITCH,
        ]  # fmt: skip
        self._finish_keys = [
            place.stream, place.status, wanted.stream_execution_result, keys.ALERTS,
            intents.EXPOSURE, intents.OPEN_SYMBOLS, intents.PROTECTED, intents.ORDER_RATE,
            intents.KILL_SWITCH,
        ]  # fmt: skip
        if wanted.stream_apply_result:
            self._finish_keys.append(wanted.stream_apply_result)

    def begin(self, steps: Sequence[Step]) -> list[Began]:
        """Take each a step further, in the stream's order; raises for the group's own trouble."""
        return self.began(scripting.run(self._client, *self.begin_words(steps)))

    def begin_words(self, steps: Sequence[Step]) -> Words:
        """Return what begins them: the script's name, keys and arguments."""
        place = self._context.place
        asked = {
            "now_ms": self._context.now_ms(), **self._limits,
            "items": [_begin_item(step) for step in steps],
        }  # fmt: skip
        args = [place.group, place.consumer, place.moved, intents.RECORD_PREFIX, as_json(asked)]
        return "begin", self._begin_keys, args

    def began(self, answer: list[Any]) -> list[Began]:
        """Return what begin.lua says of each."""
        match answer:
            case ["BEGAN", answers]:
                return [_began(each) for each in answers]
            case ["MOVED", how]:
                raise GroupMovedError(how)
            case ["SPOILED", key, why]:
                raise SpoiledKeyError(f"{key}: {why}")
            case _:
                raise GroupMovedError("gone while an intent was under way")

    def finish(self, ends: Sequence[End]) -> list[list[str]]:
        """Settle each; give DONE, STANDS, NOT_OURS, NO_POSITION or REFUSED for each, and more."""
        return self.finished(scripting.run(self._client, *self.finish_words(ends)))

    def finish_words(self, ends: Sequence[End]) -> Words:
        """Return what settles them: the script's name, keys and arguments."""
        place, now_ms = self._context.place, self._context.now_ms()
        asked = {
            "now_ms": now_ms,
            **self._limits,
            "book": POSITION if self._paper else "",
            "book_of": order_key("") if self._paper else "",
            "result": outcomes.result_shape(place.consumer, now_ms),
            "applied": outcomes.applied_shape(now_ms),
            "items": [_end_item(end, now_ms) for end in ends],
        }
        args = [place.group, place.consumer, intents.RECORD_PREFIX, f"{intents.PROTECTED}:",
                intents.RECORD_TTL_S, as_json(asked)]  # fmt: skip
        return "finish", self._finish_keys, args

    @staticmethod
    def finished(answers: list[list[str]]) -> list[list[str]]:
        """Return what finish.lua says of each."""
        for answer in answers:
            if answer[0] == "SPOILED":
                raise SpoiledKeyError(": ".join(answer[1:]))
        return answers

    def note(self, of: Fields, epoch: str, **fields: str) -> bool:
        """Write down what is known so far; False where it is another's to settle by now."""
        key = intents.record(of["identity"])
        return bool(scripting.run(self._client, "note", [key], [epoch, *flat(fields)]))


def _begin_item(step: Step) -> dict[str, Any]:
    of, order = step.of, step.order
    units = 0
    if order is not None:
        units = outcomes.units(order.quantity if order.side == "BUY" else -order.quantity)
    return {
        "id": of["stream_id"],
        "identity": of["identity"],
        "stage": step.stage,
        "epoch": step.epoch,
        "fields": [word for pair in of.items() if pair[1] for word in pair],
        "deadline_ms": step.deadline_ms,
        "symbol": of["symbol"],
        "units": str(units),
        **_for_the_guard(order, step.believed),
        "leverage": step.leverage,
    }


def _for_the_guard(order: Order | None, believed: Decimal) -> dict[str, Any]:
    if order is None:
        return {"adds": False, "worth": "0", "price": "0"}
    return {
        "adds": not order.reduce_only,
        "worth": str(min(micro_usd(order.quantity * believed), UNLIMITED)),
        "price": f"{believed:f}",
    }


def _began(answer: list[Any]) -> Began:
    match answer:
        case ["CLAIMED" | "SUBMITTING" as word, epoch, deliveries]:
            return Began(word, str(epoch), deliveries)
        case ["UNDER_WAY", epoch, deliveries, record]:
            pairs = iter(record)
            return Began(UNDER_WAY, str(epoch), deliveries, dict(zip(pairs, pairs, strict=True)))
        case ["DUPLICATE", first, state]:
            return Began(DUPLICATE, of={"stream_id": first, "state": state})
        case ["SETTLED", state]:
            return Began(SETTLED, of={"state": state})
        case ["REFUSED", reason, detail]:
            return Began(REFUSED, reason=f"{reason}: {detail}" if detail else reason)
        case ["SPOILED", key, why]:
            raise SpoiledKeyError(f"{key}: {why}")
        case [word]:
            return Began(word)
        case other:
            raise AssertionError(f"begin.lua gave {other}")


def _end_item(end: End, now_ms: int) -> dict[str, Any]:
    of, outcome = end.of, end.outcome
    item: dict[str, Any] = {
        "id": of["stream_id"],
        "epoch": end.epoch,
        "from": "",
        "record": {
            **of,
            **outcomes.record_fields(of, outcome),
            **end.more,
            "state": outcome.state,
        },
        "units": "0",
        "look_ms": end.look_ms,
    }
    if end.resting:
        item["resting"] = end.resting
    if end.order is not None:
        item |= _for_the_guard(end.order, end.believed)
    if outcome.state == intents.UNKNOWN:
        item["alert"] = flat(outcomes.unknown_alert({**of, "epoch": end.epoch}, outcome, now_ms))
        return item
    if outcome.filled:
        item["units"] = str(outcomes.signed_units(outcome, of["order_side"]))
    item["executed"] = TRUE if outcome.state == intents.FILLED else FALSE
    item["details"] = outcomes.details(of, outcome)
    return item
