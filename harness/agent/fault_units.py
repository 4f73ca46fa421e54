"""What the steps of a fault ask of a unit: its state, its processes, and that it runs again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .failing import AgentError
from .machine import Machine
from .processes import run
from .services import UP

ASK_WITHIN_S = 30.0
#: A unit that was up has this long to be up again, in seconds.
START_WITHIN_S = 60.0
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
    if machine.services.name == "systemd":
        words = ("systemctl", "show", "--property=ControlGroup", "--value", "--", unit)
        group = run(words, ASK_WITHIN_S).output.strip()
        pids = [pid for pid in _pids() if group and _in_group(pid, group)]
    else:  # the supervisor starts each in a session of its own
        main = int(state(machine, unit)["main_pid"])
        pids = [pid for pid in _pids() if main and (look(pid) or {}).get("session") == str(main)]
    found = [each for each in map(look, pids) if each]
    return [{key: each[key] for key in ("pid", "started", "state")} for each in found]


def look(pid: int) -> dict[str, Any] | None:
    """Return a process' state, session and start; None when it is gone or only a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # the name in brackets may hold anything
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    if not fields or fields[0] in "ZX":
        return None
    return {"pid": pid, "state": fields[0], "session": fields[3], "started": fields[19]}


def same(recorded: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a recorded process is now, None when it is gone or another has its number."""
    now = look(recorded["pid"])
    return now if now and now["started"] == recorded["started"] else None


def was_up(machine: Machine, unit: str) -> dict[str, Any]:
    """Return what a record keeps of a unit, so that it can be brought back."""
    now = state(machine, unit)
    return {"was_up": now["active"] in UP, "invocation": now.get("invocation", "")}


def bring_back(machine: Machine, record: Mapping[str, Any]) -> None:
    """Start a unit that was up and is not; one that is gone from the host stays so."""
    now = state(machine, record["unit"])
    if record["was_up"] and now["load"] == "loaded" and now["active"] not in UP:
        machine.services.reset_failed([record["unit"]])
        machine.services.start([record["unit"]], START_WITHIN_S)


def is_back(machine: Machine, record: Mapping[str, Any]) -> bool:
    """Tell whether a unit that was up is so again."""
    now = state(machine, record["unit"])
    return not record["was_up"] or now["load"] != "loaded" or now["active"] == "active"


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _in_group(pid: int, group: str) -> bool:
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            paths = [line.rstrip("\n").split(":", 2)[2] for line in file]
    except (OSError, IndexError):
        return False
    return any(path == group or path.startswith(f"{group}/") for path in paths)
