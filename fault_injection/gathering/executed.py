"""Execution: its effects are the accepted orders; execution.result tells how each intent ended.

An order is looked up by its client order id, which follows from the identity. What START_AT=new
passed over is told as removed, and as told by the consumer: its ledger names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fault_injection.gathering import paper, simulated
from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.orders import FLAT, Order, said_by
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import (
    Command,
    Fields,
    Moment,
    asked,
    entries,
    parts,
    upto,
    wall_ns,
)
from fault_injection.history.happenings import (
    LOST,
    Effect,
    Happening,
    Produced,
    Records,
    Removed,
    Terminal,
    Told,
)
from streams import intents, keys
from streams.decision_made import SOURCE
from streams.ids import id_key
from streams.trade_intent import Malformed, normalise

STATUS = intents.STATUS


def produced(place: Place, entry: str, fields: Fields) -> Produced:
    """Say which trade an entry wants, and what its order must say."""
    said = normalise(entry, fields)
    if isinstance(said, Malformed):
        return Produced(stream=place.stream, entry=entry, identity=said.identity)
    return Produced(
        stream=place.stream,
        entry=entry,
        identity=said.identity,
        digest=said_by(said.symbol, said.side),
        key=said.symbol,
    )


def outputs(place: Place) -> tuple[str, ...]:
    """Return the streams where effects go, dead letters first."""
    results = place.named("stream_execution_result", intents.STREAM_EXECUTION_RESULT)
    return (keys.dead_letters(place.stream), results, intents.SKIPPED)


def book_of(place: Place) -> type[paper.Book | simulated.Book]:
    """Return where its orders are kept."""
    return simulated.Book if place.exchange else paper.Book


class Account:
    """Results, records and orders in the end."""

    def __init__(self, client: Any, place: Place, opened: Opened) -> None:
        self._client, self._place, self._opened = client, place, opened
        _, self._results, self._skipped = outputs(place)
        self._wanted: dict[str, set[str]] = {}
        self._ended: set[str] = set()
        self._book = book_of(place)(client, place, opened)

    def take(self, entry: Produced) -> None:
        """Remember what an identity wants."""
        self._wanted.setdefault(entry.identity, set()).add(entry.digest)

    def commands(self) -> list[Command]:
        """Return what reads the positions."""
        return self._book.commands()

    def whole(self) -> bool:
        """Tell that nothing else is needed."""
        return True

    def standing(self, at: Moment) -> dict[str, Any]:
        """Return what the book shows."""
        return self._book.standing(at)

    def effects(self, at: Moment) -> Iterator[Happening]:
        """Yield how each intent ended, what its record says, and its orders."""
        yield from self._told(at)
        for names in parts(self._wanted):
            yield from self._known(names, at)
        yield from self._book.unexplained(at)
        yield from self._passed_over(at)

    def _told(self, at: Moment) -> Iterator[Terminal]:
        since = self._opened.outputs[self._results]
        for entry, fields in entries(self._client, self._results, since, at.outputs[self._results]):
            who = fields.get("identity") or fields.get("trace_id", "")
            if fields.get("source") == SOURCE:
                continue  # the router's
            if upto(fields.get("intent_id", ""), self._opened.last_id) and who not in self._wanted:
                self._book.from_before(fields)
                continue
            yield self._end(who, fields.get("state", ""), entry)

    def _end(self, who: str, state: str, ref: str) -> Terminal:
        self._ended.add(who)
        return Terminal(
            flow=self._place.flow, identity=who, state=state, ref=ref, wall_ns=wall_ns(ref)
        )

    def _known(self, names: list[str], at: Moment) -> Iterator[Happening]:
        asks = (("hmget", intents.record(who), "state", "result_id") for who in names)
        states: dict[str, str] = {}
        orders = self._book.orders(names)
        for who, answer in zip(names, asked(self._client, asks), strict=True):
            state, result = answer if isinstance(answer, list) else (answer, "")
            if result and not upto(result, at.outputs[self._results]):
                continue  # it ended after that moment
            before = upto(result or "", self._opened.outputs[self._results])
            if state:
                states[who] = state
            if state and before and who not in self._ended:
                yield self._end(who, state, result)
            for order in orders.get(who, ()):
                self._book.explain(order, before=before)
                yield self._effect(who, order)
        if states:
            yield Records(flow=self._place.flow, values=states)

    def _effect(self, who: str, order: Order) -> Effect:
        said = ""
        if order.leg == intents.ENTRY:
            flat = said_by(order.symbol, FLAT)
            said = flat if flat in self._wanted[who] else said_by(order.symbol, order.side)
        return Effect(
            flow=self._place.flow,
            identity=who,
            ref=order.ref,
            leg=order.leg,
            digest=said,
            outcome=order.outcome,
            wall_ns=order.wall_ns,
        )

    def _passed_over(self, at: Moment) -> Iterator[Happening]:
        place, stream = self._place, self._place.stream
        since = self._opened.outputs[self._skipped]
        for ledger, span in entries(self._client, self._skipped, since, at.outputs[self._skipped]):
            if (span.get("stream"), span.get("group")) != (stream, place.group):
                continue
            first = max(span["old_id"], self._opened.last_id, key=id_key)
            for entry, _ in entries(self._client, stream, first, span["new_id"]):
                said = f"START_AT=new passed over it: {ledger} in {self._skipped}"
                yield Removed(stream=stream, entry=entry)
                yield Told(flow=place.flow, what=LOST, entry=entry, said=said)
