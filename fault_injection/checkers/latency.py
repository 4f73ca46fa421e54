"""How long things took: p50, p95, p99 and the worst, before, during and after the faults.

Two latencies, in ms: until an operation was answered, and from its beginning to its first effect.
Each counts to the phase in which it began. There is no limit here, so nothing is refuted; without
a sample in each phase it is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.windows import Phases
from fault_injection.history.happenings import AFTER, BEFORE, DURING, OK, Ended, Invoked
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
PHASES = (BEFORE, DURING, AFTER)
RANKS = (("p50", 50), ("p95", 95), ("p99", 99))
NS_PER_MS = 10**6


def check(history: History) -> Finding | None:
    """Sort all latencies into their phases."""
    ends = {each.op: each for each in history.of(Ended) if each.how == OK}
    effects = _first_effects(history)
    phases = Phases(history)
    answers: dict[str, list[int]] = {each: [] for each in PHASES}
    settled: dict[str, list[int]] = {each: [] for each in PHASES}
    begun: set[tuple[str, str]] = set()
    for each in history.of(Invoked):
        when = phases.of(each.wall_ns)
        if each.op in ends:
            answers[when].append(ends[each.op].mono_ns - each.mono_ns)
        which = (each.stream, each.identity)
        if which in effects and which not in begun:
            begun.add(which)
            settled[when].append(effects[which] - each.wall_ns)
    said = {"answered": _table(answers), "settled": _table(settled)}
    empty = [when for when in PHASES if not answers[when]]
    if empty:
        return Finding.unknown(f"no operation was answered {' and '.join(empty)}", **said)
    if any(settled.values()) and (few := [when for when in PHASES if not settled[when]]):
        return Finding.unknown(f"no effect of what began {' and '.join(few)}", **said)
    worst = max(map(max, answers.values())) / NS_PER_MS
    return Finding.proved(f"the slowest answer took {worst:.3f} ms", **said)


def _first_effects(history: History) -> dict[tuple[str, str], int]:
    """Return (stream, identity) -> when its first effect was."""
    return {
        (account.flow.stream, who): min(each.wall_ns for each in effects)
        for account in accounts(history)
        for who, effects in account.effects.items()
    }


def _table(by_phase: dict[str, list[int]]) -> dict[str, dict[str, float]]:
    return {when: _ranks(sorted(found)) for when, found in by_phase.items() if found}


def _ranks(found: Sequence[int]) -> dict[str, float]:
    """Return the nearest ranks of a sorted sequence, in ms."""
    ranks = {
        name: found[max(0, -(-len(found) * percent // 100) - 1)] / NS_PER_MS
        for name, percent in RANKS
    }
    return {**ranks, "max": found[-1] / NS_PER_MS, "samples": len(found)}
