"""Who took entries from whom, and whether that one lived: from what Redis was told alone.

A claim names its entries and not their owner. A script that takes over names it, as it asks for its
pending entries first; whoever does not took from anybody. A heartbeat lives as long as it was
given, by Redis's own clock: whether an owner lived is worked out here, and nobody's word taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fault_injection.gathering import monitor
from fault_injection.gathering.monitor import Seen
from fault_injection.history.happenings import CLAIMED, Delivery
from streams import keys

NS_PER_MS = 10**6
#: A script's clock stands still, each of its lines has a time of its own: so much is no matter.
SLACK_NS = 100 * NS_PER_MS
#: XPENDING that names a consumer has so many words: stream, group, [IDLE, ms], -, +, count, name.
NAMED = (6, 8)
#: A claim: stream, group, consumer, idle time in ms, and entries.
ENTRIES_FROM = 4


class Claims:
    """The claims of some groups, by the commands in their order."""

    def __init__(self, flows: Mapping[tuple[str, str], str]) -> None:
        """`flows`: stream and group -> flow."""
        self._flows = flows
        self._until: dict[str, int] = {}  #: heartbeat -> until when it lives, wall ns
        self._asked: Seen | None = None  #: the last XPENDING

    def heard(self, seen: Seen) -> Iterator[Delivery]:
        """Yield what one command took over."""
        if seen.command == monitor.SET:
            self._until[seen.words[0]] = _lives_until(seen)
        elif seen.command == monitor.DEL:
            for key in seen.words:
                self._until.pop(key, None)
        elif seen.command == monitor.XPENDING:
            self._asked = seen
        elif seen.command in (monitor.XCLAIM, monitor.XAUTOCLAIM):
            yield from self._claimed(seen)

    def _claimed(self, seen: Seen) -> Iterator[Delivery]:
        stream, group, consumer, idle_ms = seen.words[:ENTRIES_FROM]
        if (flow := self._flows.get((stream, group))) is None:
            return
        owner = self._owner(seen)
        lives = self._lives(group, consumer, owner, seen.wall_ns)
        for entry in seen.words[ENTRIES_FROM:]:
            if entry[:1].isdigit() and "-" in entry:  # else it is an option
                yield Delivery(
                    flow=flow, entry=entry, consumer=consumer, how=CLAIMED, owner=owner,
                    owner_lives=lives, idle_ms=int(idle_ms), wall_ns=seen.wall_ns,
                )  # fmt: skip

    def _owner(self, claim: Seen) -> str:
        """Return whom the same script asked about, "" where it asked about nobody."""
        asked = self._asked
        if asked is None or not claim.script or asked.script != claim.script:
            return ""
        named = len(asked.words) in NAMED and asked.words[:2] == claim.words[:2]
        return asked.words[-1] if named else ""

    def _lives(self, group: str, consumer: str, owner: str, at_ns: int) -> bool:
        """Tell whether the owner lived; one that nobody asked for may be any of the others."""
        if owner:
            return self._beats(keys.heartbeat(group, owner), at_ns)
        of_group, own = keys.heartbeat(group, ""), keys.heartbeat(group, consumer)
        return any(
            key.startswith(of_group) and key != own and self._beats(key, at_ns)
            for key in self._until
        )

    def _beats(self, key: str, at_ns: int) -> bool:
        return self._until.get(key, 0) > at_ns + SLACK_NS


def _lives_until(seen: Seen) -> int:
    options = [word.upper() for word in seen.words[2:]]
    if "PX" not in options:
        return 1 << 63
    return seen.wall_ns + int(seen.words[2 + options.index("PX") + 1]) * NS_PER_MS
