"""The life of one identity: all that a history says of it, in the order of time."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from fault_injection.history.happenings import (
    Ack,
    Call,
    DeadLetter,
    Delivery,
    Effect,
    Ended,
    Flow,
    Happening,
    Invoked,
    Produced,
    Removed,
    State,
    Terminal,
    Told,
)
from fault_injection.history.reading import History

#: What may concern an identity: by its name, by its operation, by an entry of its stream.
CONCERNING = (
    Invoked, Ended, Produced, Removed, Call, Delivery, Ack, Effect, State, Terminal, DeadLetter,
    Told,
)  # fmt: skip


def life(history: History, identity: str) -> list[Happening]:
    """Return what concerns an identity itself, its operations and its entries."""
    return lives(history, [identity])[identity]


def lives(history: History, identities: Iterable[str]) -> Mapping[str, list[Happening]]:
    """Return the lives of several, for which the history is gone through once."""
    found: dict[str, list[Happening]] = {each: [] for each in identities}
    stream_of = {each.flow: each.stream for each in history.of(Flow)}
    operations = {each.op: each for each in history.of(Invoked) if each.identity in found}
    entries = _entries(history, operations, found)
    ids = {entry for _, entry in entries}
    for kind in CONCERNING:
        for line in _concerning(history, kind, found, operations, ids):
            whose = {getattr(line, "identity", "")} & found.keys()
            if kind is Ended:
                whose |= {operations[line.op].identity}
            elif getattr(line, "entry", "") in ids:
                stream = stream_of.get(line.flow, "") if hasattr(line, "flow") else line.stream
                whose |= entries.get((stream, line.entry), set())
            for who in whose:
                found[who].append(line)
    for lines in found.values():
        lines.sort(key=_when)
    return found


def _concerning(
    history: History,
    kind: type[Any],
    identities: Container[str],
    operations: Container[str],
    entries: Container[str],
) -> Iterable[Any]:
    """Return the lines of a kind that may belong to any of them: few, out of very many."""
    lines: Sequence[Any] = history.of(kind)
    has = kind.__dataclass_fields__
    if kind is Ended:
        return [each for each in lines if each.op in operations]
    if "identity" not in has:
        return [each for each in lines if each.entry in entries]
    if "entry" not in has:
        return [each for each in lines if each.identity in identities]
    return [each for each in lines if each.identity in identities or each.entry in entries]


def _entries(
    history: History, operations: Mapping[str, Invoked], wanted: Container[str]
) -> dict[tuple[str, str], set[str]]:
    """Return stream and id -> whose entry it is: two streams may use the same id."""
    found: dict[tuple[str, str], set[str]] = {}
    for ended in history.of(Ended):
        if ended.entry and (begun := operations.get(ended.op)):
            found.setdefault((begun.stream, ended.entry), set()).add(begun.identity)
    for each in history.of(Produced):
        if each.identity in wanted:
            found.setdefault((each.stream, each.entry), set()).add(each.identity)
    return found


def _when(each: Happening) -> tuple[int, int]:
    return each.wall_ns, each.n
