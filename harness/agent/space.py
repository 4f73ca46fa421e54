"""See that the disk has room for a transaction and for its undo before anything changes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from .facts import free_bytes
from .failing import AgentError
from .machine import RELEASES, Machine
from .releases import unpacked_bytes

#: Kept free beyond what was counted, for journal, names and blocks, in bytes.
MARGIN = 1024 * 1024
BLOCK = 4096


def refuse_shortage(
    machine: Machine,
    steps: Sequence[Mapping[str, Any]],
    states: Sequence[Mapping[str, Any]],
    blobs: Mapping[str, bytes],
    what: str = "deploy",
) -> None:
    """Raise AgentError when a file system is too full for the steps of `what`.

    `states` are what is now at the path of each step, empty for steps without a path.
    """
    needed: dict[int, int] = {}
    where: dict[int, str] = {}

    def need(path: str, size: int) -> None:
        device, folder = _device(path)
        needed[device] = needed.get(device, MARGIN) + size + BLOCK
        where[device] = folder

    need(machine.store, ballast_bytes(states))
    for index, step in enumerate(steps):
        size = int(states[index].get("size", 0))
        if step["do"] == "file":
            need(machine.at(step["path"]), len(blobs.get(step["blob"], b"")))
        if step["do"] in {"file", "symlink", "absent"}:
            need(machine.store, size)
        if step["do"] == "release":
            need(machine.at(f"{RELEASES}/x"), unpacked_bytes(blobs.get(step["blob"], b"")))
    for device, size in needed.items():
        refuse_full(where[device], size, f"the {what}", action(what))


def refuse_full(folder: str, size: int, what: str, then: str) -> None:
    """Raise AgentError when there are not so many bytes free below `folder`."""
    free = free_bytes(folder)
    if free < size:
        raise AgentError(
            "space", f"{folder} has {free // 1024} KiB free, {what} needs {size // 1024} KiB",
            step="space", action=then,
        )  # fmt: skip


def action(what: str) -> str:
    """Return what to do about a full disk."""
    return f"free some space on the host and {what} again"


def ballast_bytes(states: Sequence[Mapping[str, Any]]) -> int:
    """Return what an undo needs at most at a time: the largest file that it will write back."""
    return max((int(state.get("size", 0)) for state in states), default=0) + 16 * BLOCK


def keep_ballast(path: str, size: int) -> None:
    """Reserve the space; an undo frees it first."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(opened, 0, size)
        else:
            os.write(opened, b"\0" * size)
        os.fsync(opened)
    finally:
        os.close(opened)


def _device(path: str) -> tuple[int, str]:
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "/"
    return os.stat(path).st_dev, path
