"""Stop every process of a unit where it stands; the undo lets those run on that still are."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Any

from . import ending, fault_units
from .boundaries import cross
from .failing import AgentError
from .machine import Machine

#: A process that is being stopped may have begun another one: look again this often at most.
ROUNDS = 10


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError when there is no process to stop."""
    fault_units.refuse(machine, step)
    if not fault_units.processes(machine, step["unit"]):
        raise AgentError("refused", f"no process of {step['unit']} can be found here")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the processes to stop, then those that have come about meanwhile."""
    del name
    known: list[Any] = []
    for _ in range(ROUNDS):
        found = fault_units.processes(machine, step["unit"])
        # what somebody else has stopped is not ours to let run on
        new = [each for each in found if each["state"] != fault_units.STOPPED]
        new = [{"pid": each["pid"], "started": each["started"]} for each in new]
        new = [each for each in new if each not in known]
        if not new:
            return
        known += new
        yield {"unit": step["unit"], "processes": new}


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Stop them."""
    del machine
    for each in record["processes"]:
        cross()
        ending.end(each, signal.SIGSTOP)


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell how many of them stand still."""
    del machine
    living = [each for each in map(fault_units.same, record["processes"]) if each]
    still = [each["pid"] for each in living if each["state"] == fault_units.STOPPED]
    return {
        "on": bool(still) and len(still) == len(living), "gone": not still,
        "stopped": len(still), "of": len(record["processes"]),
    }  # fmt: skip


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Let them run on."""
    del machine
    for each in record["processes"]:
        cross()
        ending.end(each, signal.SIGCONT)
