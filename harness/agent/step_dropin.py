"""Lay a drop-in beside a unit, below /run, where no reboot keeps it; the undo takes it away.

What was started while it lay there is started again without it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from . import fault_units, placing
from .boundaries import cross
from .failing import AgentError
from .machine import Machine
from .services import UP, ServiceError

FOLDER = "/run/systemd/system"


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError for a unit that does not run, or lines that are none."""
    fault_units.refuse(machine, step)
    lines = step["lines"]
    if not lines or not str(lines[0]).startswith("[") or any("\n" in line for line in lines):
        raise AgentError("request", "the lines of a drop-in begin with a [Section]")
    if not os.access(_existing(machine.at(FOLDER)), os.W_OK):
        raise AgentError("refused", f"{FOLDER} cannot be written to: that needs root")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield where it will lie, what it says, and which process the unit has."""
    folder = f"{FOLDER}/{step['unit']}.d"
    made, path = [], folder
    while not os.path.isdir(machine.at(path)):
        made.append(path)
        path = os.path.dirname(path)
    yield {
        "unit": step["unit"], "dropin": f"{folder}/quantum-ops-{name}.conf", "made": made,
        "text": "\n".join(step["lines"]) + "\n", "restart": bool(step.get("restart")),
        "anyhow": bool(step.get("anyhow")), **fault_units.was_up(machine, step["unit"]),
    }  # fmt: skip


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Lay it there, have it read, and start the unit anew if asked."""
    path = machine.at(record["dropin"])
    for folder in reversed(record["made"]):
        cross()
        with contextlib.suppress(FileExistsError):
            os.mkdir(machine.at(folder), 0o755)
    cross()
    placing.whole(path, record["text"].encode())
    os.chmod(path, 0o644)
    cross()
    machine.services.reload()
    cross()
    if record["restart"]:
        try:
            machine.services.restart([record["unit"]], fault_units.START_WITHIN_S)
        except ServiceError:
            if not record["anyhow"]:  # it may be meant to keep the unit from coming up
                raise
        cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether it lies there and counts, and how the unit does."""
    now = fault_units.state(machine, record["unit"])
    lies = os.path.exists(machine.at(record["dropin"]))
    read = record["dropin"] in now["dropins"] and not now["need_reload"]
    anew = now.get("invocation", "") != record["invocation"] or record["anyhow"]
    return {
        "on": lies and read and (anew or not record["restart"]),
        "gone": not lies
        and record["dropin"] not in now["dropins"]
        and fault_units.is_back(machine, record),
        "active": now["active"], "result": now.get("result", ""), "restarts": now["restarts"],
    }  # fmt: skip


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Take it away; a unit that was up and has another process now gets one without it."""
    for path in (f"{record['dropin']}.new", record["dropin"]):
        cross()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(machine.at(path))
    for folder in record["made"]:
        with contextlib.suppress(OSError):  # gone, or others use it now
            os.rmdir(machine.at(folder))
    cross()
    machine.services.reload()
    cross()
    now = fault_units.state(machine, record["unit"])
    if not record["was_up"] or now["load"] != "loaded":
        return
    if now["active"] not in UP:
        fault_units.bring_back(machine, record)
    elif now.get("invocation", "") != record["invocation"]:
        machine.services.reset_failed([record["unit"]])
        machine.services.restart([record["unit"]], fault_units.START_WITHIN_S)


def _existing(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
