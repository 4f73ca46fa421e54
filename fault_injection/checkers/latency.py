"""How long things took: p50, p95, p99 and the worst, before, during and after the faults.

Two latencies, in ms: until an operation was answered, and from its beginning to its first effect.
Whatever was under way in an episode counts to `during`. There is no limit here, so nothing is
refuted. Unknown without answers before and after, or where nothing was even tried during.
"""

from __future__ import annotations

from collections.abc import Sequence

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.windows import Phases
from fault_injection.history.happenings import AFTER, BEFORE, DURING, OK, Ended, Flow, Invoked
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = True
PHASES = (BEFORE, DURING, AFTER)
ENDS = (BEFORE, AFTER)
RANKS = (("p50", 50), ("p95", 95), ("p99", 99))
NS_PER_MS = 10**6


def check(history: History) -> Finding | None:
    """Sort all latencies into their phases."""
    if not history.of(Flow):
        return None
    ends = {each.op: each for each in history.of(Ended)}
    effects = _first_effects(history)
    phases = Phases(history)
    tried = set[str]()
    answers: dict[str, list[int]] = {each: [] for each in PHASES}
    settled: dict[str, list[int]] = {each: [] for each in PHASES}
    for each in history.of(Invoked):
        if each.what == "deploy":  # it takes seconds, and says nothing of the flow
            continue
        end = ends.get(each.op)
        when = phases.of(each.wall_ns, end.wall_ns if end else each.wall_ns)
        tried.add(when)
        if end and end.how == OK:
            answers[when].append(end.mono_ns - each.mono_ns)
        effect_ns = effects.pop((each.stream, each.identity), None)
        if effect_ns is not None:
            when = phases.of(each.wall_ns, effect_ns)
            tried.add(when)
            settled[when].append(effect_ns - each.wall_ns)
    said = {"answered": _table(answers), "settled": _table(settled)}
    missing = [f"no operation was answered {when}" for when in ENDS if not answers[when]]
    if any(settled.values()):
        missing += [f"no effect {when}" for when in ENDS if not settled[when]]
    if DURING not in tried:
        missing.append("no operation was under way during the faults")
    if missing:
        return Finding.unknown(*missing, **said)
    worst = max(max(each) for each in answers.values() if each) / NS_PER_MS
    return Finding.proved(f"the slowest answer took {worst:.3f} ms", **said)


def _first_effects(history: History) -> dict[tuple[str, str], int]:
    """Return (stream, identity) -> when its first effect was."""
    return {
        (account.flow.stream, who): first
        for account in accounts(history)
        for who, first in account.first_effects().items()
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
