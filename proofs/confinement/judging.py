"""Say of each action, directive and limit of each unit whether it holds there; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.confinement.directives import ACTIONS, BASES, LIMITS, against

ENFORCED = "enforced"
NOT_ENFORCED = "NOT enforced here"
UNTOLD = "cannot tell"
UNDECLARED = "not declared"
PERMITTED = "permitted"
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at in one unit."""

    unit: str
    what: str  #: the action, directive or limit
    outcome: str
    why: str
    directives: tuple[str, ...] = ()  #: held to account; the first of them above all
    known: bool = False  #: the inventory says that it is so

    @property
    def good(self) -> bool:
        """Tell whether nothing is left to say."""
        return self.outcome in {ENFORCED, PERMITTED}


def rows(evidence: Mapping[str, Any]) -> list[Row]:
    """Return what was found of every unit on a host with systemd."""
    known = frozenset(evidence["acknowledged"])
    found = []
    for name, unit in evidence["units"].items():
        found += [_action(name, unit, action, evidence["bare"], known) for action in ACTIONS]
        found += [*_alone(name, evidence, known), *_limits(name, unit["limits"], known)]
    return found


def _open(bare: Mapping[str, Any], action: str, bases: Sequence[str]) -> bool:
    """Tell whether an action works where no directive forbids it."""
    tries = (bare[base]["actions"].get(action) or {} for base in bases)
    return any(each.get("passed") is True for each in tries)


def _action(
    name: str, unit: Mapping[str, Any], action: str, bare: Mapping[str, Any], known: frozenset[str]
) -> Row:
    words, wanted = ACTIONS[action]
    said = against(action, unit["declared"])
    tried = unit["tried"]["actions"].get(action) or {"passed": None, "why": unit["tried"]["why"]}
    held = tuple(said or wanted)
    where = f" ({tried['why']})" if tried["why"] else ""
    if tried["passed"]:
        if said:
            return Row(name, action, NOT_ENFORCED, f"{words}{where}", held, {*said} <= known)
        outcome = PERMITTED if action in unit["permitted"] else UNDECLARED
        return Row(name, action, outcome, f"{words}{where}", held)
    chief = wanted[:1]  # what nothing can be told of is one gap, whatever else a unit says
    if tried["passed"] is None:
        why = f"it could not be tried{where}"
        return Row(name, action, UNTOLD, why, chief, {*chief} <= known)
    if not _open(bare, action, list(BASES)):
        why = f"refused{where}, as it is without any directive: this host lets nobody"
        return Row(name, action, UNTOLD, why, chief, {*chief} <= known)
    return Row(name, action, ENFORCED, f"refused{where}", held)


def _alone(name: str, evidence: Mapping[str, Any], known: frozenset[str]) -> Iterator[Row]:
    for each in evidence["alone"]:
        if name not in each["units"]:
            continue
        directive, action, trial = each["directive"], each["action"], each["tried"]
        tried = trial["actions"].get(action) or {"passed": None, "why": trial["why"]}
        outcome, why = ENFORCED, f"by itself it refuses what {ACTIONS[action][0]}"
        if tried["passed"]:
            outcome, why = NOT_ENFORCED, f"by itself it lets pass what {ACTIONS[action][0]}"
        elif tried["passed"] is None:
            outcome, why = UNTOLD, f"it could not be tried by itself ({tried['why']})"
        elif not _open(evidence["bare"], action, [each["base"]]):
            outcome, why = UNTOLD, f"what {ACTIONS[action][0]} is refused here without it, too"
        held = (directive,)
        yield Row(name, directive, outcome, why, held, outcome != ENFORCED and directive in known)


def _limits(name: str, limits: Mapping[str, Any], known: frozenset[str]) -> Iterator[Row]:
    for directive, said in limits["said"].items():
        file = LIMITS[directive]
        found = limits["found"].get(file)
        held = (directive,)
        if found is None:
            why = f"the running unit has no {file}: nothing limits it"
            yield Row(name, directive, NOT_ENFORCED, why, held, directive in known)
        elif (wanted := _wanted(directive, said)) is None:
            yield Row(name, directive, UNTOLD, f"{said} cannot be compared", held)
        elif wanted != _found(file, found):
            why = f"the unit says {said}, {file} of what runs says {found}"
            yield Row(name, directive, NOT_ENFORCED, why, held, directive in known)
        else:
            yield Row(name, directive, ENFORCED, f"{file} says {found}", held)


def _wanted(directive: str, said: str) -> float | None:
    if said == "infinity":
        return float("inf")
    number = re.fullmatch(r"([0-9.]+)([KMGT%]?)", said)
    if not number or (number[2] == "%") != (directive == "CPUQuota"):
        return None
    return float(number[1]) * (0.01 if number[2] == "%" else _BYTES[number[2]])


def _found(file: str, found: str) -> float | None:
    words = found.split()
    if words[0] in {"max", "unlimited"}:
        return float("inf")
    return float(words[0]) / float(words[1]) if file == "cpu.max" else float(words[0])
