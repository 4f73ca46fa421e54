"""Every identity ends once, in one terminal state, and all that is told of it says the same.

UNKNOWN is no end: a person must look, and the verdict is unknown.
"""

from __future__ import annotations

from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import ENDS, STATES, Records, State, Terminal
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams import intents

NEEDS_END = False
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Count the ends of every identity, flow by flow."""
    if not (flows := history.flows(STATES, ENDS)):
        return None
    twice, differing, doubtful, ended = set[str](), set[str](), set[str](), 0
    for flow in flows:
        told, last = _of(history, flow.flow)
        ended += len(told)
        twice |= {who for who, ends in told.items() if len(ends) > 1}
        if history.closed:
            ends = {who: state for who, state in last.items() if state in intents.TERMINAL}
            differing |= set(ends) ^ set(told)
            differing |= {who for who in set(ends) & set(told) if ends[who] != _said(told[who])}
        doubtful |= {who for who, state in last.items() if state == intents.UNKNOWN}
    why = [f"{len(twice)} ended more than once: {named(twice)}"] if twice else []
    if differing:
        why.append(f"{len(differing)} ended otherwise than was told: {named(differing)}")
    if why:
        return Finding.refuted(*why, ended=ended, identities=kept(twice | differing))
    if doubtful:
        why = [f"{len(doubtful)} are UNKNOWN: {named(doubtful)}"]
        return Finding.unknown(*why, ended=ended, identities=kept(doubtful))
    if not ended:
        return Finding.unknown("nothing ended")
    return Finding.proved(f"{ended} ended, each once", ended=ended)


def _of(history: History, flow: str) -> tuple[dict[str, set[tuple[str, str]]], dict[str, str]]:
    """Return what was told of each identity's end, and the last state of its record."""
    told: dict[str, set[tuple[str, str]]] = {}
    for end in history.of(Terminal):
        if end.flow == flow:
            told.setdefault(end.identity, set()).add((end.ref, end.state))
    last = {each.identity: each.after for each in history.of(State) if each.flow == flow}
    for record in history.of(Records):
        if record.flow == flow:
            last.update(record.values)
    return told, last


def _said(ends: set[tuple[str, str]]) -> str:
    return min(state for _, state in ends)
