"""Give a file another mode; the undo gives the old one back if ours is still there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from .boundaries import cross
from .failing import AgentError
from .machine import Machine
from .places import Place, place


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError for what is no file or folder, or has that mode already."""
    wanted = step["mode"]
    if not isinstance(wanted, int) or stat.S_IMODE(wanted) != wanted:
        raise AgentError("request", f"{wanted!r} is no mode")
    with place(machine, step["path"]) as where:
        found = where.stat()
        if found is None or not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise AgentError("refused", f"{step['path']} is neither a file nor a folder")
        if stat.S_IMODE(found.st_mode) == wanted:
            raise AgentError("refused", f"{step['path']} has the mode {wanted:o} already")
        if os.geteuid() not in (0, found.st_uid):
            raise AgentError("refused", f"{step['path']} is not ours: that needs root")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield which file it is, and its mode."""
    del name
    with place(machine, step["path"]) as where:
        found = os.stat(where.name, dir_fd=where.parent, follow_symlinks=False)
    yield {
        "path": step["path"], "file": [found.st_dev, found.st_ino],
        "before": stat.S_IMODE(found.st_mode), "after": step["mode"],
    }  # fmt: skip


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Set the mode."""
    with place(machine, record["path"]) as where:
        cross()
        _set(where, record, record["after"])
        cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the mode that it has."""
    now = -1
    try:
        with place(machine, record["path"]) as where:
            now = _mode(where, record)
    except AgentError as error:
        if error.kind != "absent":
            raise
    return {"on": now == record["after"], "gone": now != record["after"], "mode": now}


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Set the old mode, unless somebody has set another one or put another file there."""
    if observe(machine, record)["on"]:
        with place(machine, record["path"]) as where:
            cross()
            _set(where, record, record["before"])


def _mode(where: Place, record: Mapping[str, Any]) -> int:
    """Return the mode of the recorded file, -1 when another one is there."""
    found = where.stat()
    if found is None or [found.st_dev, found.st_ino] != record["file"]:
        return -1
    return stat.S_IMODE(found.st_mode)


def _set(where: Place, record: Mapping[str, Any], mode: int) -> None:
    if _mode(where, record) < 0:
        raise AgentError("drifted", f"{where.path} is another file by now")
    os.chmod(where.name, mode, dir_fd=where.parent)
