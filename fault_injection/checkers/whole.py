"""The history itself is whole: opened, closed, watched without a gap, nothing torn or damaged.

It says unknown for everything else, never refuted: a torn history says nothing of the system.
"""

from __future__ import annotations

from fault_injection.history.happenings import Closing, Ended, Invoked, Resumed
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = False


def check(history: History) -> Finding:
    """Look at the lines as lines."""
    why = list(history.damage)
    if history.opening is None:
        why.append("there is no first line")
    if history.torn:
        why.append(f"the last line is torn: {history.torn} bytes without an end")
    if not history.of(Closing):
        why.append("there is no last line: the harness died")
    for each in history.of(Resumed):
        torn = f", {each.torn} bytes were torn" if each.torn else ""
        why.append(f"the harness died before line {each.n + 1}{torn}; nobody watched meanwhile")
    why += _operations(history)
    lines = len(history.happenings)
    if why:
        return Finding.unknown(*why, lines=lines)
    return Finding.proved(f"{lines} lines, from the first to the last", lines=lines)


def _operations(history: History) -> list[str]:
    """Return what is wrong with the pairs of beginnings and ends."""
    begun = {each.op for each in history.of(Invoked)}
    ended = [each.op for each in history.of(Ended)]
    why = []
    if len(begun) != len(history.of(Invoked)):
        why.append("an operation began twice")
    if len(set(ended)) != len(ended):
        why.append("an operation ended twice")
    if strange := set(ended) - begun:
        why.append(f"operations ended that never began: {sorted(strange)[:5]}")
    return why
