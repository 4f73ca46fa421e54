"""Claim: inside every deployed unit what is forbidden is refused, by each directive that says so.

Each forbidden action is tried three times: bare, to show that nothing else on the host stands in
its way; inside a copy of the real unit; and under each directive alone, since in the unit one
directive hides that another does nothing. A directive that does nothing refutes the claim, one of
which nothing can be told leaves it unknown, unless the inventory names it in `not_enforced`: then
the gap is told in the reasons and stands in the record. Nothing is asked where a directory stands
for the host, unless somebody asks for this very claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.settings import refuse
from harness.suggestions import did_you_mean
from proofs.confinement.directives import ACCOUNTABLE, ACTIONS
from proofs.confinement.judging import NOT_ENFORCED, UNDECLARED, UNTOLD, Row, rows
from proofs.confinement.probing import probe
from proofs.finding import Finding
from proofs.scene import Scene

#: What decides beside this file.
PARTS = {
    "judging": "proofs.confinement.judging", "directives": "proofs.confinement.directives",
}  # fmt: skip
VARIABLE = "not_enforced"


def gather(scene: Scene) -> dict[str, Any]:
    """Return what each unit says and what came of each action; see confinement.probing."""
    known = acknowledged(scene.host.values)
    for name in known:
        if name not in ACCOUNTABLE:
            cause = f'names "{name}", which no action accounts for{did_you_mean(name, ACCOUNTABLE)}'
            refuse(scene.host, VARIABLE, cause)
    return {"acknowledged": known, **probe(scene.session)}


def acknowledged(values: Mapping[str, object]) -> list[str]:
    """Return the directives that the inventory says are not enforced, or not to be shown."""
    said = values.get(VARIABLE) or []
    return [str(each) for each in said] if isinstance(said, list) else [str(said)]


def check(evidence: Mapping[str, Any]) -> Finding:
    """Name every directive that does nothing, and every one of which nothing can be told."""
    units = evidence["units"]
    if evidence["services"] == "supervisor":
        ignored = {each for unit in units.values() for each in unit["not_honoured"]}
        return Finding.unknown(
            "nothing is enforced where a directory stands for the host:"
            f" {len(ignored)} directives are not honoured here"
        )
    if not units:
        return Finding.unknown("nothing was deployed to this host")
    found = rows(evidence)
    missing = [each for each in found if each.outcome == UNDECLARED and units[each.unit]["ours"]]
    broken = [each for each in found if each.outcome == NOT_ENFORCED and not each.known]
    if missing or broken:
        return Finding.refuted(
            *_told("nothing in the unit forbids that it", missing, "what"),
            *_told("credited but not enforced here:", broken, "directives"),
            *_changed(units),
        )
    untold = [each for each in found if each.outcome == UNTOLD and not each.known]
    stale = [f"{name}: systemd has not read its file again" for name in units
             if units[name]["reload"]]  # fmt: skip
    if untold or stale:
        return Finding.unknown(*stale, *_told("cannot be told here:", untold, "directives"))
    return Finding.proved(
        f"{len(units)} units refuse what is forbidden, {len(ACTIONS)} actions tried in each",
        *_notes(found, evidence["acknowledged"]),
        actions=len(ACTIONS), held={unit: _held(found, unit) for unit in units},
    )  # fmt: skip


def _held(found: Iterable[Row], unit: str) -> int:
    """Return how much was seen to hold in a unit."""
    return len([each for each in found if each.unit == unit and each.good])


def _told(words: str, found: Iterable[Row], by: str) -> list[str]:
    """Return a sentence for each thing, with the units that it is true of."""
    units: dict[tuple[str, str], dict[str, None]] = {}
    for row in found:
        name = " or ".join(row.directives) if by == "directives" else ""
        units.setdefault((name, row.why), {})[row.unit] = None
    return [
        f"{words} {f'{name}, ' if name else ''}{why} ({', '.join(names)})"
        for (name, why), names in units.items()
    ]


def _changed(units: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} is changed by {', '.join(unit['foreign'])}, which was not deployed"
        for name, unit in units.items()
        if unit["foreign"]
    ]


def _notes(found: Iterable[Row], acknowledged: Iterable[str]) -> list[str]:
    """Return what the verdict leaves out of account, so that it is never silent."""
    gaps: dict[str, dict[str, None]] = {}
    for row in found:
        if row.known:
            gaps.setdefault(row.outcome, {})[row.directives[0]] = None
    seen = {name for names in gaps.values() for name in names}
    idle = [name for name in acknowledged if name not in seen]
    undeclared: dict[str, list[str]] = {}
    for row in found:
        if row.outcome == UNDECLARED:
            undeclared.setdefault(row.unit, []).append(row.what)
    return [
        *(f"acknowledged in {VARIABLE}, {outcome}: {', '.join(names)}"
          for outcome, names in gaps.items()),
        *(f"noted: {VARIABLE} names {name}, which is enforced here or said by no unit"
          for name in idle),
        *(f"noted: {unit}, which its package ships, says nothing against {', '.join(actions)}"
          for unit, actions in undeclared.items()),
    ]  # fmt: skip
