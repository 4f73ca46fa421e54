"""The router: its effects are the intents that it published, and the refusals that it told.

An identity from before the run may have had its intent then: that one is its effect still.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import (
    Command,
    Fields,
    Moment,
    asked,
    digest,
    entries,
    is_id,
    parts,
    upto,
    wall_ns,
)
from fault_injection.history.happenings import Dedup, Effect, Happening, Produced, Terminal
from streams import intents, keys, routing
from streams.decision_made import SOURCE, intent_fields, normalise
from streams.trade_intent import Malformed

STATUS = routing.STATUS


def produced(place: Place, entry: str, fields: Fields) -> Produced:
    """Say which trade an entry decides on, and what its intent must say."""
    said = normalise(entry, fields)
    if isinstance(said, Malformed):
        return Produced(stream=place.stream, entry=entry, identity=said.identity)
    return Produced(
        stream=place.stream,
        entry=entry,
        identity=said.identity,
        digest=digest(intent_fields(said)),
        key=said.symbol,
    )


def outputs(place: Place) -> tuple[str, ...]:
    """Return the streams where effects go, dead letters first."""
    return (
        keys.dead_letters(place.stream),
        place.named("stream_trade_intent", intents.STREAM_TRADE_INTENT),
        place.named("stream_execution_result", intents.STREAM_EXECUTION_RESULT),
    )


class Account:
    """Intents, refusals and deduplication keys in the end."""

    def __init__(self, client: Any, place: Place, opened: Opened) -> None:
        self._client, self._place, self._opened = client, place, opened
        _, self._intents, self._results = outputs(place)
        self._old = {who for who, *_ in opened.waiting.values()}
        self._asked_for: dict[str, None] = {}
        self._ended: set[str] = set()

    def take(self, entry: Produced) -> None:
        """Remember whose effect is looked for."""
        self._asked_for[entry.identity] = None

    def commands(self) -> list[Command]:
        """Return nothing: streams are read up to their ends of that moment."""
        return []

    def whole(self) -> bool:
        """Tell that nothing else is needed."""
        return True

    def standing(self, at: Moment) -> dict[str, Any]:
        """Return nothing beside the streams' ends."""
        del at
        return {}

    def effects(self, at: Moment) -> Iterator[Happening]:
        """Yield each intent and each refusal; then what the keys say."""
        yield from self._published(at)
        yield from self._refused(at)
        for names in parts(self._asked_for):
            yield from self._known(names, at)

    def _since(self, stream: str, at: Moment) -> Iterator[tuple[str, Fields]]:
        return entries(self._client, stream, self._opened.outputs[stream], at.outputs[stream])

    def _published(self, at: Moment) -> Iterator[Effect]:
        for entry, fields in self._since(self._intents, at):
            who = fields.get("trace_id", "")
            old = who in self._old
            if fields.get("source") != SOURCE or (old and who not in self._asked_for):
                continue
            self._ended.add(who)
            said = "" if old else digest(fields)
            yield Effect(
                flow=self._place.flow, identity=who, ref=entry, digest=said, wall_ns=wall_ns(entry)
            )

    def _refused(self, at: Moment) -> Iterator[Terminal]:
        for entry, fields in self._since(self._results, at):
            before = upto(fields.get("decision_id", ""), self._opened.last_id)
            if fields.get("source") == SOURCE and not before:
                yield self._end(fields.get("identity", ""), fields.get("state", ""), entry)

    def _end(self, who: str, state: str, ref: str) -> Terminal:
        self._ended.add(who)
        return Terminal(
            flow=self._place.flow, identity=who, state=state, ref=ref, wall_ns=wall_ns(ref)
        )

    def _known(self, names: list[str], at: Moment) -> Iterator[Happening]:
        """Yield what is kept of identities, and the effects from before the run that it names."""
        commands = [
            words
            for who in names
            for words in (
                ("get", routing.dedup(who)),
                ("hmget", intents.record(who), "state", "stream_id", "result_id"),
            )
        ]
        answers = iter(asked(self._client, commands))
        kept: dict[str, str] = {}
        for who, key, record in zip(names, answers, answers, strict=True):
            if isinstance(key, str):
                if is_id(key) and not upto(key, at.outputs[self._intents]):
                    continue  # it came after that moment
                kept[who] = key
                if upto(key, self._opened.outputs[self._intents]):
                    yield self._before(who, key)
            elif who not in self._ended and isinstance(record, list) and record[0]:
                yield from self._by_record(who, *record)
        if kept:
            yield Dedup(flow=self._place.flow, values=kept)

    def _before(self, who: str, ref: str) -> Effect:
        self._ended.add(who)
        return Effect(flow=self._place.flow, identity=who, ref=ref, wall_ns=wall_ns(ref))

    def _by_record(
        self, who: str, state: str, intent: str | None, result: str | None
    ) -> Iterator[Happening]:
        """Yield what settled an identity whose key has run out: its record outlives that."""
        if upto(intent or "", self._opened.outputs[self._intents]):
            yield self._before(who, intent or "")
        elif upto(result or "", self._opened.outputs[self._results]):
            yield self._end(who, state, result or "")
