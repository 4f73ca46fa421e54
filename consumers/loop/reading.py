"""Read entries: own pending from the beginning until none is left, then new ones for ever."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from redis.exceptions import ResponseError

from consumers.loop.connecting import BLOCK_MS
from consumers.loop.failing import GroupMovedError
from streams import keys, scripting
from streams.ids import ZERO

#: An entry as Redis gives it: its id, and fields and values in turn; None where it was trimmed.
Entry = tuple[str, list[str] | None]


@dataclass(frozen=True, slots=True)
class Place:
    """Which stream, group and consumer, and where the group and this process say how they stand."""

    stream: str
    group: str
    consumer: str
    status: str  #: hash of the group: its high-water ids, whether it moved, its totals
    standing: str  #: hash of this process; the same one where a group has one consumer

    @classmethod
    def at(cls, stream: str, group: str, consumer: str, status: str, standing: str = "") -> Place:
        """Return the place; `standing` is the status hash unless it is said."""
        return cls(stream, group, consumer, status, standing or status)

    @property
    def high_water(self) -> str:
        """Return the status field with the newest id that the group has settled."""
        return keys.high_water(self.stream, self.group)

    @property
    def moved(self) -> str:
        """Return the status field that says how the group moved back."""
        return keys.group_moved(self.stream, self.group)

    @property
    def marks(self) -> tuple[str, str, str]:
        """Return what the scripts need to know whether the group moved."""
        return self.group, self.high_water, self.moved


def join(client: Any, place: Place) -> None:
    """Make the group where it is new. Raises GroupMovedError where it is gone or moved back."""
    answer = scripting.run(client, "join", [place.stream, place.status], place.marks)
    if answer[0] == "MOVED":
        raise GroupMovedError(answer[1])


class Reader:
    """Where this consumer is in its stream.

    While a batch is counted the next one is under way already, over a link of its own. What was
    asked for and never heard of is pending, as after any other lost reply.
    """

    def __init__(self, client: Any, place: Place) -> None:
        self._client, self._place = client, place
        self._link: Any = None
        self._under_way, self._waits = 0, False
        self._own_after: str | None = ZERO
        self._behind = True
        self._stands = ZERO

    def start_over(self) -> None:
        """Read own pending again: after any error of the link nobody knows what was delivered."""
        self._own_after, self._behind = ZERO, True
        if self._link is not None:
            self._link.disconnect()
        self._under_way = 0

    @property
    def settled(self) -> bool:
        """Tell whether own pending was read to its end and nothing newer is known to wait."""
        return self._own_after is None and not self._behind

    def next(self, size: int, own_size: int, wait_ms: int) -> list[Entry]:
        """Return up to `own_size` of own pending, and once there are none up to `size` new entries.

        None after waiting `wait_ms`, and where own pending ends. More than one are read ahead.
        Raises GroupMovedError.
        """
        if self._own_after is not None:
            return self._own(own_size, self._own_after)
        if not self._under_way:
            self._ask(size, 0 if self._behind else max(1, min(wait_ms, BLOCK_MS)))
        entries = self._hear()
        if self._behind and size > 1:
            self._ask(size)
        return entries

    def rest(self) -> list[Entry]:
        """Return what is under way, so that nothing is left behind at the end."""
        return self._hear() if self._under_way else []

    def _own(self, size: int, after: str) -> list[Entry]:
        entries = _entries(self._client.execute_command(*self._words(size, after)))
        # the last id only pages through what is ours already; for new ones it would find nothing
        self._own_after = entries[-1][0] if entries else None
        return entries

    def _ask(self, size: int, wait_ms: int = 0) -> None:
        """Ask for new entries; first wait for one past the group's place, for `wait_ms` at most.

        The waiting read takes nothing. The one that takes stands in one MULTI with the guard, which
        cannot wait: so it is sent behind, and done once that has waited, without our being asked.
        """
        if self._link is None:
            self._link = self._client.connection_pool.get_connection()
        stream = self._place.stream
        guard = scripting.words("guard", [stream, self._place.status], self._place.marks)
        commands = [("MULTI",), guard, self._words(size, ">"), ("EXEC",)]
        if wait_ms:
            waits = ("XREAD", "COUNT", 1, "BLOCK", wait_ms, "STREAMS", stream, self._stands)
            commands.insert(0, waits)
        self._link.send_packed_command(self._link.pack_commands(commands))
        self._under_way, self._waits = size, bool(wait_ms)

    def _hear(self) -> list[Entry]:
        size, self._under_way = self._under_way, 0
        if self._waits:
            with contextlib.suppress(ResponseError):  # the guard will say what is wrong there
                self._link.read_response()
        for _ in range(3):
            self._link.read_response()  # OK and QUEUED
        guarded, answer = self._link.read_response()
        if isinstance(guarded, Exception):
            raise guarded
        if guarded[0] == "MOVED":
            raise GroupMovedError(guarded[1])
        if isinstance(answer, Exception):
            raise answer
        entries = _entries(answer)
        self._behind = len(entries) == size
        self._stands = entries[-1][0] if entries else guarded[1]
        return entries

    def _words(self, size: int, after: str) -> tuple[str | int, ...]:
        group = ("XREADGROUP", "GROUP", self._place.group, self._place.consumer)
        return (*group, "COUNT", size, "STREAMS", self._place.stream, after)


def _entries(answer: Any) -> list[Entry]:
    return answer[0][1] if answer else []
