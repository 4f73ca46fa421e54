"""Read how a flow stands as a run begins."""

from __future__ import annotations

from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import entries, moment, some
from fault_injection.gathering.service import Service
from streams.ids import ZERO


def opened(client: Any, place: Place, service: Service) -> Opened:
    """Return where streams and group stand, what waits, and what the service adds up."""
    account = service.Account(client, place, Opened(at_ms=0, last_id=ZERO))
    outputs = service.outputs(place)
    whole = False
    while not whole:
        at = moment(client, place.stream, place.group, outputs, account.commands())
        whole = account.whole()
    waits = dict(some(client, place.stream, at.pending))
    waits.update(entries(client, place.stream, at.last_delivered_id, at.place["last_id"]))
    said = [service.produced(place, entry, fields) for entry, fields in waits.items()]
    return Opened(
        at_ms=at.place["at_ms"],
        last_id=at.place["last_id"],
        waiting={each.entry: (each.identity, *each.adds) for each in said},
        outputs=dict(at.outputs),
        **account.standing(at),
    )
