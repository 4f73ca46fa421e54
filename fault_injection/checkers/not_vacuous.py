"""The run put something to the test: enough was done, the faults were there, the target was met.

A planned fault that nobody observed is no fault, and one that nobody saw gone leaves everything
after it in doubt. Says unknown, never refuted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fault_injection.history.happenings import (
    ACKS,
    CALLS,
    DELIVERIES,
    EFFECTS,
    ENDS,
    EVIDENCE,
    GONE,
    LAG,
    OBSERVED,
    OK,
    PLANNED,
    POSITIONS,
    STATES,
    SUMS,
    Ack,
    Call,
    Delivery,
    Effect,
    Ended,
    Fault,
    Flow,
    Happening,
    Position,
    Proof,
    Reached,
    Sample,
    Snapshot,
    Stands,
    State,
    Sums,
    Terminal,
)
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False

#: What evidence stands in which lines.
STANDS_IN: dict[str, type[Happening]] = {
    EFFECTS: Effect,
    SUMS: Sums,
    STATES: State,
    ENDS: Terminal,
    ACKS: Ack,
    DELIVERIES: Delivery,
    CALLS: Call,
    POSITIONS: Position,
    LAG: Sample,
}


def check(history: History) -> Finding:
    """Look for what a run must have had to mean anything."""
    done = sum(each.how == OK for each in history.of(Ended))
    at_least = max(1, history.opening.at_least if history.opening else 1)
    why = [f"{done} operations are too few, {at_least} are wanted"] if done < at_least else []
    why += [*_faults(history), *_targets(history), *_evidence(history)]
    faults = len({each.fault for each in history.of(Fault)})
    if why:
        return Finding.unknown(*why, operations=done, faults=faults)
    return Finding.proved(
        f"{done} operations; {faults} faults, all seen to come and to go",
        operations=done,
        faults=faults,
    )


def _faults(history: History) -> Iterator[str]:
    stages: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for each in history.of(Fault):
        stages.setdefault(each.fault, set()).add(each.stage)
        names[each.fault] = f"{each.name} ({each.fault})"
    if not stages:
        yield "no fault was planned"
    for fault, seen in stages.items():
        if PLANNED not in seen:
            yield f"{names[fault]} was in no plan"
        if OBSERVED not in seen:
            yield f"{names[fault]} was never observed"
        elif GONE not in seen:
            yield f"{names[fault]} was never seen to be gone"


def _targets(history: History) -> Iterator[str]:
    reached = {each.target for each in history.of(Reached)}
    for target in history.opening.targets if history.opening else ():
        if target not in reached:
            yield f"never reached: {target}"


def _evidence(history: History) -> Iterator[str]:
    if not any(history.of(each) for each in (Flow, Proof, Stands)):
        yield "no flow was watched, no claim was checked, nobody looked what stands on a host"
    said: dict[str, set[type[Happening]]] = {}
    for kind in (*STANDS_IN.values(), Snapshot):
        lines: Sequence[Any] = history.of(kind)
        for name in {each.flow for each in lines}:
            said.setdefault(name, set()).add(kind)
    for flow in history.flows(*EVIDENCE):
        there = said.get(flow.flow, set()) | {Flow}
        for evidence in flow.evidence:
            if STANDS_IN.get(evidence, Flow) not in there:
                yield f"{flow.flow}: no {evidence} were gathered"
        if {EFFECTS, SUMS, STATES, ENDS} & set(flow.evidence) and Snapshot not in there:
            yield f"{flow.flow}: it was not looked at in the end"
