"""What the steps of a fault ask of a unit: its state, its processes, and that it runs again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from . import ending
from .failing import AgentError
from .machine import Machine
from .services import UP, ServiceError

#: A unit that is restarted with its fault, or without it, is waited for this long, in seconds.
START_WITHIN_S = 60.0
#: One that is only to be up again is started, and is up when it can be: it may need what another
#: fault has taken away, whose undo must not wait for this one.
BEGUN_WITHIN_S = 1.0
STOPPED = "T"


def state(machine: Machine, unit: str) -> dict[str, Any]:
    """Return a unit's state."""
    return machine.services.show({unit: ()})[unit]


def refuse(machine: Machine, step: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of the step's unit; raises AgentError when it does not run."""
    found = state(machine, str(step["unit"]))
    if found["load"] != "loaded":
        raise AgentError("refused", f"there is no unit {step['unit']} on this host")
    if found["active"] not in UP:
        raise AgentError("refused", f"{step['unit']} is {found['active']}: there is nothing to do")
    return found


def processes(machine: Machine, unit: str) -> list[dict[str, Any]]:
    """Return a unit's living processes, each by pid, start and state."""
    return [each for each in map(_living, machine.services.pids(unit)) if each]


def same(recorded: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a recorded process is now, None when it is gone or another has its number."""
    now = _living(recorded["pid"])
    return now if now and now["started"] == recorded["started"] else None


def _living(pid: int) -> dict[str, Any] | None:
    """Return what a process is; None when it is gone or only a zombie."""
    found = ending.look(pid)
    return None if found is None or found["state"] in "ZX" else found


def was_up(machine: Machine, unit: str) -> dict[str, Any]:
    """Return what a record keeps of a unit, so that it can be brought back."""
    now = state(machine, unit)
    return {"was_up": now["active"] in UP, "invocation": now.get("invocation", "")}


def bring_back(machine: Machine, record: Mapping[str, Any]) -> None:
    """Start a unit that was up and is not; one that is gone from the host stays so.

    Whether it has come up is for `is_back` to say, which is asked until it is so.
    """
    now = state(machine, record["unit"])
    if record["was_up"] and now["load"] == "loaded" and now["active"] not in UP:
        machine.services.reset_failed([record["unit"]])
        with contextlib.suppress(ServiceError):
            machine.services.start([record["unit"]], BEGUN_WITHIN_S)


def is_back(machine: Machine, record: Mapping[str, Any]) -> bool:
    """Tell whether a unit that was up is so again."""
    now = state(machine, record["unit"])
    return not record["was_up"] or now["load"] != "loaded" or now["active"] == "active"
