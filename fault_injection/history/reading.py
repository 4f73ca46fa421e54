"""Read a history, whole or not: what is torn or damaged is told and never passed over.

A last line without its end is torn: its writer died, and what it was to say never counts. Whoever
goes on afterwards says so in the next line. Anything else that cannot be read, or is not the line
that its place calls for, is damage, and nothing can be concluded from such a history.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
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
    *lines, rest = data.split(b"\n")
    happenings: list[Happening] = []
    damage: list[str] = []
    for at in range(0, len(lines), CHUNK):
        over = bool(happenings) and isinstance(happenings[-1], Closing)
        chunk = None if over else _well(lines[at : at + CHUNK], len(happenings))
        if chunk is None:
            damage += _one_by_one(lines, range(at, min(at + CHUNK, len(lines))), happenings)
        else:
            happenings += chunk
    opening = happenings[0] if happenings and isinstance(happenings[0], Opening) else None
    if happenings and opening is None:
        damage.append("the first line does not open a history")
    return of_happenings(opening, happenings, len(rest), damage)


def _well(lines: Sequence[bytes], first: int) -> list[Happening] | None:
    """Return what lines say if all is as it should be: the quick way for nearly all of them."""
    try:
        many = json.loads((b"[" + b",".join(lines) + b"]").decode("utf-8"))
        found = [value_of(each) for each in many]
    except (ValueError, RecursionError):
        return None
    places = list(range(first, first + len(lines)))
    amid = set(map(type, found[1 if first == 0 else 0 :]))
    if [each.n for each in found] != places or Opening in amid:
        return None
    return None if Closing in set(map(type, found[:-1])) else found


def _one_by_one(
    lines: Sequence[bytes], numbers: Iterable[int], happenings: list[Happening]
) -> Iterator[str]:
    """Append what lines say; yield what is wrong with them."""
    for at in numbers:
        try:
            said = decoded(lines[at])
        except ValueError as error:
            if not _told(lines[at], lines[at + 1 : at + 2]):
                yield f"line {at + 1} cannot be read: {error}"
            continue
        yield from _misplaced(at + 1, said, happenings)
        happenings.append(said)


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


def _told(line: bytes, following: Sequence[bytes]) -> bool:
    """Tell whether the next line says that this one is torn."""
    try:
        heir = decoded(following[0]) if following else None
    except ValueError:
        return False
    return isinstance(heir, Resumed) and heir.torn == len(line)


def _misplaced(number: int, said: Happening, before: Sequence[Happening]) -> Iterator[str]:
    if said.n != len(before):
        yield f"line {number} is the run's {said.n}., where its {len(before)}. belongs"
    if isinstance(said, Opening) and before:
        yield f"line {number} opens the history again"
    if before and isinstance(before[-1], Closing):
        yield f"line {number} comes after the last one"
