"""Read again what a run left behind, as of one moment.

All entries are read first, then one MULTI takes the group's place, its pending ids, and where every
other stream ends; what comes after that moment is left out everywhere. So it does not matter
whether the flow is at rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import Moment, entries, moment, upto, wall_ns
from fault_injection.gathering.service import Service
from fault_injection.history.happenings import DeadLetter, Happening, Snapshot
from streams import keys
from streams.ids import id_key

#: So often is a moment tried in which all was looked at; a busy flow has a new bucket each minute.
ROUNDS = 8


def ended(client: Any, place: Place, opened: Opened, service: Service) -> Iterator[Happening]:
    """Yield every entry of the run, its effects and ends, and the snapshot."""
    account = service.Account(client, place, opened)
    outputs = service.outputs(place)
    last = opened.last_id
    for _ in range(ROUNDS):
        newest = moment(client, place.stream, place.group, ()).place["last_id"]
        for entry, fields in entries(client, place.stream, last, newest):
            said = service.produced(place, entry, fields)
            account.take(said)
            yield said
        at = moment(client, place.stream, place.group, outputs, account.commands())
        for entry, fields in entries(client, place.stream, newest, at.place["last_id"]):
            said = service.produced(place, entry, fields)
            account.take(said)
            yield said
        last = at.place["last_id"]
        if account.whole():
            break
    else:
        return  # never seen whole: without a snapshot nothing is concluded
    yield from _dead_letters(client, place, opened, at)
    yield from account.effects(at)
    if at.place["group"] is not None:
        yield _snapshot(client, place, opened, at)


def _dead_letters(client: Any, place: Place, opened: Opened, at: Moment) -> Iterator[DeadLetter]:
    dead = keys.dead_letters(place.stream)
    for ref, fields in entries(client, dead, opened.outputs[dead], at.outputs[dead]):
        entry = fields.get("original_id", "")
        if fields.get("group", place.group) != place.group or upto(entry, opened.last_id):
            continue
        yield DeadLetter(
            flow=place.flow,
            entry=entry,
            ref=ref,
            reason=fields.get("reason", ""),
            wall_ns=wall_ns(ref),
        )


def _snapshot(client: Any, place: Place, opened: Opened, at: Moment) -> Snapshot:
    """Return what of the run's entries waits; those from before are no part of it."""
    stands = at.last_delivered_id
    after = max(stands, opened.last_id, key=id_key)
    waiting = entries(client, place.stream, after, at.place["last_id"])
    return Snapshot(
        flow=place.flow,
        last_delivered_id=stands,
        pending=tuple(each for each in at.pending if not upto(each, opened.last_id)),
        undelivered=tuple(entry for entry, _ in waiting),
    )
