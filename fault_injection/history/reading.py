"""Read a history, whole or not: what is torn or damaged is told and never passed over.

A last line that has no end or cannot be read is torn: its writer died, and what it was to say
never counts. Whoever goes on afterwards says in the next line how much is torn. Anything else that
cannot be read, or is not the line that its place calls for, is damage, and nothing can be
concluded from such a history.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

import orjson

from fault_injection.history.happenings import Closing, Flow, Happening, Opening, Resumed
from fault_injection.history.lines import decoded, values_of
from harness.errors import HistoryError

T = TypeVar("T", bound=Happening)

#: So many bytes, and the rest of their last line, are decoded at once: faster than line by line.
CHUNK = 500_000
#: So much of the damage is told.
TOLD = 10


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What was read; two of them are the same only if they are one."""

    opening: Opening | None
    happenings: tuple[Happening, ...]
    by_kind: dict[type[Happening], list[Happening]]
    torn: int  #: bytes of a last line without its end
    damage: tuple[str, ...]

    def of(self, kind: type[T]) -> Sequence[T]:
        """Return all happenings of a kind, in the order in which they were written."""
        return cast("Sequence[T]", self.by_kind.get(kind, ()))

    def flows(self, *evidence: str) -> list[Flow]:
        """Return the flows about which any such evidence is gathered; said twice, the last counts.

        Whoever resumes a run may say them again.
        """
        named = {flow.flow: flow for flow in self.of(Flow)}
        return [flow for flow in named.values() if set(evidence) & set(flow.evidence)]

    @property
    def closed(self) -> bool:
        """Whether it has its last line."""
        return bool(self.of(Closing))


def read(path: Path) -> History:
    """Read a file; raises HistoryError where there is none."""
    try:
        return history_of(path.read_bytes())
    except OSError as error:
        raise HistoryError(
            f"{path}: {error.strerror}", action="look for its path in `invoke history`"
        ) from error


def history_of(data: bytes) -> History:
    """Return what a file's bytes say; never raises."""
    with paused_collection():
        return _history_of(data)


@contextmanager
def paused_collection() -> Iterator[None]:
    """Keep the collector from going through a million new values again and again.

    None of them refers to another, so there is nothing for it to find.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _history_of(data: bytes) -> History:
    reader = _Reader()
    end = data.rfind(b"\n") + 1
    at, number = 0, 0
    while at < end:
        until = data.find(b"\n", min(at + CHUNK, end - 1))
        part = data[at:until]
        reader.take(number, part)
        at, number = until + 1, number + part.count(b"\n") + 1
    happenings = reader.happenings
    opening = happenings[0] if happenings and isinstance(happenings[0], Opening) else None
    if happenings and opening is None:
        reader.damage.append("the first line does not open a history")
    torn = len(b"\n".join([*reader.unread, data[end:]]))
    return of_happenings(opening, happenings, torn, reader.damage)


class _Reader:
    """What was read so far, and the lines just before that could not be read."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self.damage: list[str] = []
        #: torn ones, if the end of the file follows, or one who goes on and tells of them
        self.unread: list[bytes] = []

    def take(self, at: int, part: bytes) -> None:
        """Read some lines, the first of which is line `at` from 0."""
        over = bool(self.happenings) and isinstance(self.happenings[-1], Closing)
        if not over and not self.unread and (found := _well(part, len(self.happenings))):
            self.happenings += found
            return
        for number, line in enumerate(part.split(b"\n"), at + 1):
            try:
                said = decoded(line)
            except ValueError:
                self.unread.append(line)
                continue
            self._forgive(number, said)
            self.damage += _misplaced(number, said, self.happenings)
            self.happenings.append(said)

    def _forgive(self, number: int, heir: Happening) -> None:
        torn = len(b"\n".join(self.unread))
        if self.unread and not (isinstance(heir, Resumed) and heir.torn == torn):
            first = number - len(self.unread)
            self.damage += [f"line {each} cannot be read" for each in range(first, number)]
        self.unread = []


def _well(part: bytes, first: int) -> list[Happening] | None:
    """Return what lines say if all is as it should be: the quick way for nearly all of them."""
    try:
        many = orjson.loads(b"[%b]" % part.replace(b"\n", b","))
        found = values_of(many)
    except (ValueError, RecursionError):
        return None
    places = list(range(first, first + part.count(b"\n") + 1))
    amid = set(map(type, found[1 if first == 0 else 0 :]))
    if [each.n for each in found] != places or Opening in amid:
        return None
    return None if Closing in set(map(type, found[:-1])) else found


def of_happenings(
    opening: Opening | None,
    happenings: Iterable[Happening],
    torn: int = 0,
    damage: Iterable[str] = (),
) -> History:
    """Return happenings in order as a history."""
    kept = tuple(happenings)
    by_kind: dict[type[Happening], list[Happening]] = {}
    for each in kept:
        by_kind.setdefault(type(each), []).append(each)
    return History(opening, kept, by_kind, torn, tuple(islice(damage, TOLD)))


def _misplaced(number: int, said: Happening, before: Sequence[Happening]) -> Iterator[str]:
    if said.n != len(before):
        yield f"line {number} is the run's {said.n}., where its {len(before)}. belongs"
    if isinstance(said, Opening) and before:
        yield f"line {number} opens the history again"
    if before and isinstance(before[-1], Closing):
        yield f"line {number} comes after the last one"
