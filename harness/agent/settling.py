"""Bring units to what is now on disk, and in an undo back to what they were.

The first journal record *holds* the state of every unit that will be settled. What was changed
since is told by the invocation: another one means another process, started with who knows what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .failing import AgentError
from .machine import Machine
from .services import UP, ServiceError

#: Where a changed file means that the unit files must be read again.
UNIT_FOLDERS = ("/etc/systemd/", "/run/systemd/", "/lib/systemd/", "/usr/lib/systemd/")
_KEPT = ("load", "active", "sub", "enabled", "main_pid", "invocation")


def hold(machine: Machine, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the journal's first record: the units that the steps will settle, as they are."""
    wanted = {
        unit["name"]: unit for step in steps if step["do"] == "settle" for unit in step["units"]
    }
    states = machine.services.show(dict.fromkeys(wanted, ()))
    units = [
        {
            "name": name,
            "action": wanted[name]["action"],
            "wait_s": wanted[name].get("wait_s", 60),
            **{key: states[name].get(key) for key in _KEPT},
        }
        for name in wanted
    ]
    return {"n": 0, "do": "hold", "units": units}


def do(machine: Machine, step: Mapping[str, Any], check: Callable[[], None]) -> None:
    """Reload if asked or needed, then stop, restart and start; raises AgentError.

    With `anyhow` a unit that does not come up is no error: what was placed is to hold all the same.
    """
    services = machine.services
    units = step["units"]
    try:
        states = services.show({unit["name"]: () for unit in units})
        if step.get("reload") or any(state.get("need_reload") for state in states.values()):
            services.reload()
        moving = [unit["name"] for unit in units if unit["action"] in {"restart", "start"}]
        services.reset_failed([name for name in moving if _tripped(states[name])])
        for action in ("stop", "restart", "start"):
            names = [unit["name"] for unit in units if unit["action"] == action]
            if not names:
                continue
            if action == "stop":
                services.stop(names)
                # what is to go must not be remembered as failed when its file is gone
                services.reset_failed(_failed(machine, names))
            else:
                wait_s = max(float(u.get("wait_s", 60)) for u in units if u["action"] == action)
                getattr(services, action)(names, wait_s, check)
    except ServiceError as error:
        if step.get("anyhow"):
            return
        raise AgentError(
            "failed", str(error), action="see `journalctl -u` of the unit on the host"
        ) from None


def _tripped(state: Mapping[str, Any]) -> bool:
    return state["active"] == "failed" or state.get("result") == "start-limit-hit"


def changed(machine: Machine, held: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the held units whose process is another one now, or gone, or came to be."""
    states = machine.services.show({unit["name"]: () for unit in held["units"]})
    return [
        unit
        for unit in held["units"]
        if unit["action"] != "none" and _differs(unit, states[unit["name"]])
    ]


def _differs(unit: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    was_up, is_up = unit["active"] in UP, now["active"] in UP
    if was_up and is_up:
        return bool(unit["invocation"] != now.get("invocation"))
    return was_up or is_up or now["active"] == "failed"


def stop(machine: Machine, units: Sequence[Mapping[str, Any]]) -> None:
    """Stop the changed units while their files are still there."""
    machine.services.stop([unit["name"] for unit in units])


def bring_back(
    machine: Machine, units: Sequence[Mapping[str, Any]], touched: Sequence[str]
) -> list[str]:
    """Read the restored unit files, start what ran before; returns what went wrong."""
    services = machine.services
    problems = []
    if any(path.startswith(UNIT_FOLDERS) for path in touched):
        problems += _try(services.reload)
    names = [unit["name"] for unit in units]
    problems += _try(lambda: services.reset_failed(_failed(machine, names)))
    for unit in units:
        if unit["active"] in UP:
            start = _starter(machine, unit)
            told = _try(start)
            if told and _limited(machine, unit["name"]):
                # what we stopped ourselves was no failure of its own, however often it was
                told = _try(_resetter(machine, unit)) + _try(start)
            # a unit that did not get up before need not get up now
            problems += told if unit["active"] == "active" else []
    return problems


def _starter(machine: Machine, unit: Mapping[str, Any]) -> Callable[[], None]:
    return lambda: machine.services.start([unit["name"]], float(unit["wait_s"]))


def _resetter(machine: Machine, unit: Mapping[str, Any]) -> Callable[[], None]:
    return lambda: machine.services.reset_failed([unit["name"]])


def _limited(machine: Machine, name: str) -> bool:
    """Tell whether a unit is down since it was started too often, and for nothing else."""
    return bool(machine.services.show({name: ()})[name].get("result") == "start-limit-hit")


def _failed(machine: Machine, names: Sequence[str]) -> list[str]:
    states = machine.services.show(dict.fromkeys(names, ()))
    return [name for name, state in states.items() if _tripped(state)]


def _try(action: Callable[[], None]) -> list[str]:
    try:
        action()
    except ServiceError as error:
        return [str(error)]
    return []
