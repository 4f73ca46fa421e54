"""Read a history, whole or not: what is torn or damaged is told and never passed over.

A last line without its end is torn: its writer died, and what it was to say never counts. Whoever
goes on afterwards says so in the next line. Anything else that cannot be read, or is not the line
that its place calls for, is damage, and nothing can be concluded from such a history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

from fault_injection.history.happenings import Closing, Flow, Happening, Opening, Resumed
from fault_injection.history.lines import decoded, value_of
from harness.errors import HistoryError

T = TypeVar("T", bound=Happening)

#: So many lines are decoded at once, which is faster than one by one.
CHUNK = 4_096
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

    def flows(self, evidence: str) -> list[Flow]:
        """Return the flows about which such evidence is gathered."""
        return [flow for flow in self.of(Flow) if evidence in flow.evidence]

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
    *lines, rest = data.split(b"\n")
    happenings: list[Happening] = []
    damage: list[str] = []
    for number, said in enumerate(_decoded(lines), 1):
        if isinstance(said, Happening):
            damage += _misplaced(number, said, happenings)
            happenings.append(said)
        elif not _told(lines[number - 1], lines[number : number + 1]):
            damage.append(f"line {number} cannot be read: {said}")
    opening = happenings[0] if happenings and isinstance(happenings[0], Opening) else None
    if happenings and opening is None:
        damage.append("the first line does not open a history")
    return of_happenings(opening, happenings, len(rest), damage)


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


def _decoded(lines: Sequence[bytes]) -> Iterator[Happening | ValueError]:
    """Yield each line's happening, or why it is none."""
    for at in range(0, len(lines), CHUNK):
        chunk = lines[at : at + CHUNK]
        try:
            many = json.loads(b"[" + b",".join(chunk) + b"]")
        except (ValueError, RecursionError):
            many = ()
        if len(many) == len(chunk):
            yield from map(_value_of, many)
        else:
            yield from map(_one, chunk)


def _value_of(said: object) -> Happening | ValueError:
    try:
        return value_of(said)
    except ValueError as error:
        return error


def _one(line: bytes) -> Happening | ValueError:
    try:
        return decoded(line)
    except ValueError as error:
        return error


def _told(line: bytes, following: Sequence[bytes]) -> bool:
    """Tell whether the next line says that this one is torn."""
    heir = _one(following[0]) if following else None
    return isinstance(heir, Resumed) and heir.torn == len(line)


def _misplaced(number: int, said: Happening, before: Sequence[Happening]) -> Iterator[str]:
    if said.n != len(before):
        yield f"line {number} is the run's {said.n}., where its {len(before)}. belongs"
    if isinstance(said, Opening) and before:
        yield f"line {number} opens the history again"
    if before and isinstance(before[-1], Closing):
        yield f"line {number} comes after the last one"
