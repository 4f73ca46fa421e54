"""Decision intelligence: its effects are the buckets, field by field, less what was there before.

Which buckets there are is known only once all entries are read, and a new one may appear
meanwhile: the moment counts in which every one of them was looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import Command, Fields, Moment, digest
from fault_injection.history.adding import adds_of
from fault_injection.history.happenings import Happening, Produced, Sums
from proofs.accounts.counted import start_ms
from proofs.reading import plain
from streams import keys
from streams.apply_result import AHEAD_MS, normalise
from streams.ids import id_key
from streams.trade_fields import ID_CHARS

BUCKET = keys.bucket("")
STATUS = keys.STATUS
#: Until here a bucket surely lives, counted from the beginning of its minute, in ms.
LIVES_MS = keys.BUCKET_TTL_S * 1000 - AHEAD_MS


def produced(place: Place, entry: str, fields: Fields) -> Produced:
    """Say what an entry adds to the buckets."""
    return Produced(
        stream=place.stream,
        entry=entry,
        identity=identity_of(fields),
        key=normalise(entry, fields).symbol or "",
        adds=adds_of(entry, fields, symbols=place.symbols),
    )


def identity_of(fields: Fields) -> str:
    """Return what an event is called: its plan's id, or a digest of all that it says."""
    plan = fields.get("plan_id", "")
    return plan if 0 < len(plan) <= ID_CHARS else digest(fields)


def outputs(place: Place) -> tuple[str, ...]:
    """Return the dead letters: all other effects are buckets."""
    return (keys.dead_letters(place.stream),)


def minutes(client: Any) -> set[str]:
    """Return the minutes that have a bucket."""
    found = client.scan_iter(match=f"{BUCKET}{'[0-9]' * 12}", count=5_000)
    return {plain(key).removeprefix(BUCKET) for key in found}


def counts(bucket: Mapping[str, str]) -> dict[str, int]:
    """Return a bucket's numbers; what is no number is no count."""
    return {name: int(text) for name, text in bucket.items() if text.lstrip("-").isdecimal()}


class Account:
    """The buckets in the end."""

    def __init__(self, client: Any, place: Place, opened: Opened) -> None:
        self._client, self._place, self._opened = client, place, opened
        self._named: set[str] = set()
        self._looked_at: list[str] = []

    def take(self, entry: Produced) -> None:
        """Remember which minutes it is counted in."""
        self._named.update(said.partition(" ")[0] for said in entry.adds)

    def commands(self) -> list[Command]:
        """Return what reads every bucket that there is now."""
        self._looked_at = sorted(self._named | minutes(self._client))
        return [("hgetall", keys.bucket(minute)) for minute in self._looked_at]

    def whole(self) -> bool:
        """Tell whether no bucket has appeared since."""
        return (self._named | minutes(self._client)) <= set(self._looked_at)

    def standing(self, at: Moment) -> dict[str, Any]:
        """Return the buckets."""
        held = zip(self._looked_at, at.others, strict=True)
        return {"sums": {minute: counts(bucket) for minute, bucket in held if bucket}}

    def effects(self, at: Moment) -> Iterator[Happening]:
        """Yield what was added to each bucket."""
        late = self._settled_late(at)
        for minute, held in zip(self._looked_at, at.others, strict=True):
            before = self._opened.sums.get(minute, {})
            now = counts(held or {})
            if before and self._may_be_gone(minute, at):
                # it may have run out and begun anew
                grown = all(now.get(name, 0) >= count for name, count in before.items())
                before = before if grown else {}
            added = {
                name: now.get(name, 0) - before.get(name, 0) - late[f"{minute} {name}"]
                for name in {*now, *before}
            }
            if any(added.values()):
                yield Sums(flow=self._place.flow, minute=minute, fields=dict(sorted(added.items())))

    def _settled_late(self, at: Moment) -> Counter[str]:
        """Return what was added for entries from before the run."""
        waits = set(at.pending)
        last = id_key(at.last_delivered_id)
        return Counter(
            said
            for entry, (_, *adds) in self._opened.waiting.items()
            if entry not in waits and id_key(entry) <= last
            for said in adds
        )

    def _may_be_gone(self, minute: str, at: Moment) -> bool:
        return bool(at.place["at_ms"] >= start_ms(minute) + LIVES_MS)
