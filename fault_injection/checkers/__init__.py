"""Judge a run by its history: one file per checker, listed here by hand.

Each is a pure function, History -> Finding, or None where no flow gathers what it looks at. One
that NEEDS_END judges only what came to its end: in half a history everything is missing. One that
NEEDS_WATCH rests on lines that nobody can read again afterwards.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_injection.history.happenings import Resumed
from fault_injection.history.reading import History, paused_collection, read
from proofs.finding import Finding, Verdict, worst

#: A checker's name -> its module, in the order in which a report tells them.
REGISTRY: Mapping[str, str] = {
    "whole": "fault_injection.checkers.whole",
    "not_vacuous": "fault_injection.checkers.not_vacuous",
    "steady_state": "fault_injection.checkers.steady_state",
    "lost": "fault_injection.checkers.lost",
    "recovered": "fault_injection.checkers.recovered",
    "unexpected": "fault_injection.checkers.unexpected",
    "duplicated": "fault_injection.checkers.duplicated",
    "conservation": "fault_injection.checkers.conservation",
    "bucket_totals": "fault_injection.checkers.bucket_totals",
    "ack_after_effect": "fault_injection.checkers.ack_after_effect",
    "one_terminal_state": "fault_injection.checkers.one_terminal_state",
    "lawful_transitions": "fault_injection.checkers.lawful_transitions",
    "filled_means_filled": "fault_injection.checkers.filled_means_filled",
    "asked_before_resubmitting": "fault_injection.checkers.asked_before_resubmitting",
    "claims_from_the_dead": "fault_injection.checkers.claims_from_the_dead",
    "dead_letters": "fault_injection.checkers.dead_letters",
    "group_goes_forward": "fault_injection.checkers.group_goes_forward",
    "order_per_key": "fault_injection.checkers.order_per_key",
    "all_old_or_all_new": "fault_injection.checkers.all_old_or_all_new",
    "recovery": "fault_injection.checkers.recovery",
    "latency": "fault_injection.checkers.latency",
    "proofs_held": "fault_injection.checkers.proofs_held",
}


#: Of a checker that a run rests on, where no flow gathers what it looks at.
UNSEEN = Finding.unknown("the run rests on it, and what it looks at was not seen to the end")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all checkers found; the worst is the verdict."""

    findings: Mapping[str, Finding]
    not_asked: tuple[str, ...]  #: no flow gathers what these look at

    @property
    def verdict(self) -> Verdict:
        """Return the worst: refuted over unknown over proved."""
        return worst(each.verdict for each in self.findings.values())

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "verdict": self.verdict.name,
            "not_asked": list(self.not_asked),
            "findings": {
                name: {
                    "verdict": each.verdict.name,
                    "reasons": list(each.reasons),
                    "numbers": dict(each.numbers),
                }
                for name, each in self.findings.items()
            },
        }


def judge(history: History) -> Judgement:
    """Run every checker."""
    with paused_collection():
        found = {name: judge_one(name, history) for name in REGISTRY}
    # what was to be watched and was not is no matter of course
    found |= {name: UNSEEN for name in _rests_on(history) if found.get(name) is None}
    return Judgement(
        {name: each for name, each in found.items() if each is not None},
        tuple(name for name, each in found.items() if each is None),
    )


def _rests_on(history: History) -> tuple[str, ...]:
    return history.opening.rests_on if history.opening else ()


def judge_one(name: str, history: History) -> Finding | None:
    """Run one checker. Nothing is concluded from damage, and from half a run only what is seen."""
    checker = importlib.import_module(REGISTRY[name])
    if name != "whole":
        if history.damage or history.opening is None:
            return Finding.unknown("the history is damaged")
        if checker.NEEDS_END and not history.closed:
            return Finding.unknown("the history has no last line")
        if checker.NEEDS_WATCH and history.of(Resumed):
            return Finding.unknown("the harness died, and nobody watched until it was resumed")
    try:
        finding: Finding | None = checker.check(history)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        return Finding.unknown(f"the history is malformed: {type(error).__name__}: {error}")
    return finding


def judge_file(path: Path) -> Judgement:
    """Judge a run anew from its file; raises HistoryError where there is none."""
    return judge(read(path))
