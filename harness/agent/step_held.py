"""Stop a unit and keep it down; the undo starts it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from . import fault_units
from .boundaries import cross
from .machine import Machine
from .services import UP


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError when the unit does not run anyhow."""
    fault_units.refuse(machine, step)


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what it was."""
    del name
    yield {"unit": step["unit"], **fault_units.was_up(machine, step["unit"])}


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Stop it."""
    cross()
    machine.services.stop([record["unit"]])
    cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell what it is now."""
    now = fault_units.state(machine, record["unit"])
    return {
        "on": now["active"] not in UP and not now["main_pid"],
        "gone": fault_units.is_back(machine, record),
        "active": now["active"],
    }  # fmt: skip


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Start it if it ran before."""
    cross()
    fault_units.bring_back(machine, record)
