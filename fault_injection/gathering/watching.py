"""Watch every command that Redis runs, also those of scripts, by its own clock: MONITOR.

It tells no replies, so only what is certain without them is told: the first XACK of an entry, the
states that are written into records, and which entries were taken from whom. Whoever watches begins
before `opened` is read and ends before `ended`; where the link broke in between nobody knows what
was missed, and the promise is taken back: `evidence` is empty, and the flow's line is said again
without it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from redis.exceptions import RedisError

from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.gathering import monitor
from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.claiming import Claims
from fault_injection.gathering.monitor import Seen
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import upto
from fault_injection.history.happenings import (
    ACKS,
    CLAIMS,
    OWN,
    STATES,
    Ack,
    Delivery,
    Happening,
    State,
)
from streams.intents import CLAIMED, RECORD_PREFIX, SUBMITTING

#: All that was done before the end is seen within so many seconds.
WITHIN_S = 20.0


class Watch:
    """One server's commands, as far as they are about these flows."""

    def __init__(self, client: Any, places: Sequence[Place]) -> None:
        self._client = client
        watched = [place for place in places if place.flow in (ROUTER, EXECUTION)]
        self._groups = {(place.stream, place.group): place.flow for place in watched}
        self._claims = Claims({(place.stream, place.group): place.flow for place in places})
        self._records = any(place.flow == EXECUTION for place in watched)
        self._seen: list[Seen] = []
        self._acked: dict[str, set[str]] = {place.flow: set() for place in watched}
        self._states: dict[str, str] = {}
        self._lock = threading.Lock()
        self._marker = f"watched {secrets.token_hex(8)}"
        self._marked = threading.Event()
        self._link: monitor.Monitor | None = None
        self._thread: threading.Thread | None = None
        self.broken = ""  #: why something may have been missed, "" where nothing was

    def begin(self) -> None:
        """Watch from now on; where that cannot be had, `broken` says why."""
        try:
            self._link = monitor.Monitor(self._client)
        except OSError as error:
            self.broken = f"nobody can watch: {error}"
            return
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self._link is not None
        try:
            for part in self._link.parts(self._marker):
                with self._lock:
                    self._seen += part
            self._marked.set()
        except (OSError, ValueError) as error:
            self.broken = f"the watch broke off: {error}"

    def end(self) -> None:
        """Stop watching once all that was done until now is seen; twice is fine."""
        if self._thread is None or self._link is None:
            return
        try:
            if not self.broken and not self._marked.is_set():
                self._client.echo(self._marker)
                self._thread.join(WITHIN_S)
        except RedisError as error:
            self.broken = self.broken or f"the watch has no end: {error}"
        if not self._marked.is_set():
            self.broken = self.broken or "the watch never came to its end"
        self._link.close()
        self._thread.join()

    def evidence(self, place: Place, opened: Opened) -> tuple[str, ...]:
        """Return what was promised to be seen of a flow, and still is."""
        if self.broken:
            return ()
        if place.flow not in self._acked:
            return (CLAIMS,)
        if place.flow == ROUTER:
            return (CLAIMS, ACKS)
        # a repetition of what waited already may be acknowledged before that one has ended
        return (CLAIMS, STATES) if opened.waiting else (CLAIMS, STATES, ACKS)

    def lines(self, opened: Mapping[str, Opened]) -> list[Happening]:
        """Return what was seen since the last call and belongs to the run; opened: by flow."""
        with self._lock:
            seen, self._seen = self._seen, []
        return [line for each in seen for line in self._told(each, opened)]

    def _told(self, seen: Seen, opened: Mapping[str, Opened]) -> Iterator[Happening]:
        if seen.command == monitor.XACK:
            flow = self._groups.get((seen.words[0], seen.words[1]))
            if flow is not None:
                yield from self._acks(flow, seen, opened[flow])
        elif seen.command != monitor.HSET:
            yield from self._claims.heard(seen)
        elif self._records:
            fields = dict(zip(seen.words[1::2], seen.words[2::2], strict=False))
            if "state" in fields:
                yield from self._state(seen, fields, opened[EXECUTION])

    def _acks(self, flow: str, seen: Seen, opened: Opened) -> Iterator[Happening]:
        acked = self._acked[flow]
        for entry in seen.words[2:]:
            if entry not in acked and not upto(entry, opened.last_id):
                acked.add(entry)
                yield Ack(flow=flow, entry=entry, wall_ns=seen.wall_ns)

    def _state(self, seen: Seen, fields: Mapping[str, str], opened: Opened) -> Iterator[Happening]:
        """Yield a record's change, and in whose hands its entry is meanwhile."""
        # a refusal is the router's, and its intent was never published
        if "decision_id" in fields or upto(fields.get("stream_id", ""), opened.last_id):
            return
        identity, after = seen.words[0].removeprefix(RECORD_PREFIX), fields["state"]
        before = self._states.get(identity, "")
        self._states[identity] = after
        yield State(
            flow=EXECUTION, identity=identity, before=before, after=after, wall_ns=seen.wall_ns
        )
        if after in (CLAIMED, SUBMITTING):
            yield Delivery(
                flow=EXECUTION,
                entry=fields.get("stream_id", ""),
                consumer=fields.get("owner", ""),
                how=OWN,
                wall_ns=seen.wall_ns,
            )
