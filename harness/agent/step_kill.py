"""Send a signal that ends a unit's main process, or all of them.

There is nothing to take back, but a unit that nobody starts again must not stay down for it.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Any

from . import ending, fault_units
from .boundaries import cross
from .failing import AgentError
from .machine import Machine

SIGNALS = ("KILL", "TERM", "ABRT", "INT", "QUIT", "HUP", "SEGV")


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError for a signal that ends nothing, or a unit without a process."""
    if step.get("signal", "KILL") not in SIGNALS:
        raise AgentError("request", f"{step['signal']!r} is none of {', '.join(SIGNALS)}")
    main_pid = fault_units.refuse(machine, step)["main_pid"]
    # one that has just died may still be told as the main one
    if main_pid not in {each["pid"] for each in fault_units.processes(machine, step["unit"])}:
        raise AgentError("refused", f"{step['unit']} has no main process")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield whom the signal is for."""
    del name
    now = fault_units.state(machine, step["unit"])
    found = fault_units.processes(machine, step["unit"])
    if not step.get("all"):
        found = [each for each in found if each["pid"] == now["main_pid"]]
    yield {
        "unit": step["unit"], "signal": step.get("signal", "KILL"),
        "processes": [{"pid": each["pid"], "started": each["started"]} for each in found],
        "restarts": now["restarts"], **fault_units.was_up(machine, step["unit"]),
    }  # fmt: skip


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Send it to those that still are the recorded processes."""
    del machine
    for each in record["processes"]:
        cross()
        ending.end(each, signal.Signals[f"SIG{record['signal']}"])


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether all of them are gone, and who is there now."""
    now = fault_units.state(machine, record["unit"])
    living = [each["pid"] for each in record["processes"] if fault_units.same(each)]
    return {
        "on": bool(record["processes"]) and not living,
        "gone": fault_units.is_back(machine, record),
        "main_pid": now["main_pid"], "restarts": now["restarts"],
        "restarts_before": record["restarts"],
    }  # fmt: skip


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """See that the unit runs again, which most do by themselves."""
    fault_units.bring_back(machine, record)
