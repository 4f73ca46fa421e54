"""What the units of a host must refuse, and whether it is refused there: the probe's table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import proofs
from commands.examining import Line, State
from commands.scenes import open_scene
from harness.contact import Contact
from proofs.confinement.directives import ACTIONS
from proofs.confinement.judging import ENFORCED, NOT_ENFORCED, PERMITTED, UNDECLARED, Row, rows
from proofs.scene import Flow

WHAT = "units"


def units_lines(contact: Contact) -> Iterator[Line]:
    """Try what is forbidden in every unit that was deployed."""
    name, inventory = contact.host.name, contact.host.inventory
    if not contact.manifest:
        why = "nothing is deployed yet, so there is no unit to try anything in"
        yield Line(name, WHAT, State.note, why, f"invoke deploy -i {inventory}")
        return
    with open_scene(contact, Flow()) as scene:
        (result,) = proofs.run(["confined"], scene)
    evidence = json.loads(result.evidence)
    if proofs.UNAVAILABLE in evidence:
        why = f"nothing could be tried: {evidence[proofs.UNAVAILABLE]}"
        yield Line(name, WHAT, State.unknown, why, "journalctl -b on the host tells more")
    elif evidence["services"] == "supervisor":
        yield from _ignored(name, evidence)
    else:
        try:
            yield from table(name, inventory, evidence)
        except (KeyError, TypeError, ValueError) as error:
            yield Line(name, WHAT, State.unknown, f"the evidence is malformed: {error!r}")


def _ignored(name: str, evidence: Mapping[str, Any]) -> Iterator[Line]:
    for unit, said in evidence["units"].items():
        ignored = said["not_honoured"]
        if ignored:
            why = f"not honoured here, so nothing is enforced: {', '.join(ignored)}"
            yield Line(name, "sandbox", State.unknown, why, "invoke doctor -i lab", unit)


def table(name: str, inventory: str, evidence: Mapping[str, Any]) -> Iterator[Line]:
    """Yield a line for each action in each unit, and each directive that does not hold. Pure."""
    found = rows(evidence)
    for unit, said in evidence["units"].items():
        if said["reload"]:
            why = "systemd has not read its file again: what runs may be another unit"
            action = f"invoke deploy -i {inventory} --limit {name}"
            yield Line(name, "unit file", State.unknown, why, action, unit)
        for path in said["foreign"]:
            action = f"invoke drift -i {inventory} --limit {name}"
            yield Line(name, "drop-in", State.note, f"{path} was not deployed", action, unit)
        mine = [row for row in found if row.unit == unit]
        holding = [row for row in mine if row.what not in ACTIONS and row.outcome == ENFORCED]
        for row in mine:
            if row.what in ACTIONS or row.outcome != ENFORCED:
                yield _line(name, inventory, row, ours=bool(said["ours"]))
        names = ", ".join(row.what for row in holding)
        yield Line(name, "directives", State.ok, f"{len(holding)} hold: {names}", "", unit)


def _line(name: str, inventory: str, row: Row, *, ours: bool) -> Line:
    directives = " or ".join(row.directives)
    text = f"{row.outcome}: {row.why}"
    if row.what in ACTIONS:
        text += f" [{directives}]"
    if row.known:
        return Line(name, row.what, State.note, f"{text}; the inventory says so", "", row.unit)
    if row.outcome in {ENFORCED, PERMITTED}:
        return Line(name, row.what, State.ok, text, "", row.unit)
    if row.outcome == UNDECLARED:
        state = State.wrong if ours else State.note
        action = f"say {directives} in the unit" if ours else ""
        return Line(name, row.what, state, text, action, row.unit)
    state = State.wrong if row.outcome == NOT_ENFORCED else State.unknown
    action = (
        f"mend the host, or say not_enforced: [{row.directives[0]}] in inventory {inventory},"
        " which every proof will tell"
    )
    return Line(name, row.what, state, text, action, row.unit)
