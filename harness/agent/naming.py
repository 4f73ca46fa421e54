"""Which paths a snapshot holds: those that were named, all that lies below them, and no others."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence

from .failing import AgentError
from .machine import STORE, Machine, plain
from .places import Place, place

#: What is no file of anybody's: the agent's own store, and what the kernel makes up.
CLOSED = (STORE, "/proc", "/sys", "/dev")
#: More is no configuration but data, and wants a tool for data.
MOST_PATHS = 10_000


def refuse_name(path: str) -> None:
    """Raise AgentError for a path that no snapshot holds; looks at nothing on the host."""
    plain(path)
    if path == "/" or path.startswith("//"):
        raise AgentError("request", f"{path!r} is too much or no name", action="name what is in it")
    for closed in CLOSED:
        if f"{path}/".startswith(f"{closed}/"):
            raise AgentError("request", f"{path} is in {closed}, of which no snapshot is taken")
        if closed.startswith(f"{path}/"):
            raise AgentError(
                "request", f"{path} holds {closed}, of which no snapshot is taken",
                action=f"name the paths in {path} that you mean",
            )  # fmt: skip


def below(machine: Machine, named: Sequence[str]) -> dict[str, bool]:
    """Return the named paths and all below them, and whether each is a directory walked through.

    Raises AgentError where that crosses into another file system, or is more than MOST_PATHS.
    """
    found: dict[str, bool] = {}
    waiting: list[tuple[str, int | None]] = []
    for path in named:
        refuse_name(path)
        waiting.append((path, None))
    while waiting:
        path, device = waiting.pop()
        if path in found:
            continue
        inside = _inside(machine, path, device)
        found[path] = inside is not None
        waiting += inside or ()
        if len(found) + len(waiting) > MOST_PATHS:
            raise AgentError(
                "refused", f"there are more than {MOST_PATHS} paths in what was named",
                action="name fewer with --path",
            )  # fmt: skip
    return dict(sorted(found.items()))


def _inside(machine: Machine, path: str, device: int | None) -> list[tuple[str, int | None]] | None:
    """Return what is in a directory, each with the file system it must be on; None if it is none.

    `device` is the one that the path must be on itself.
    """
    try:
        with place(machine, path) as where:
            now = where.stat()
            if now is None:
                return None
            if device not in {None, now.st_dev}:
                _refuse_crossing(path)
            if not stat.S_ISDIR(now.st_mode):
                return None
            return [(f"{path}/{name}", now.st_dev) for name in names_in(where)]
    except AgentError as error:
        if error.kind == "absent":
            return None
        raise


def _refuse_crossing(path: str) -> None:
    raise AgentError(
        "refused", f"{path} is another file system",
        action=f"name {path} by itself, or what you mean beside it",
    )  # fmt: skip


def names_in(where: Place) -> list[str]:
    """Return the names in a directory; raises AgentError for one that nobody could type."""
    opened = where.open()
    try:
        names = os.listdir(opened)
    finally:
        os.close(opened)
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise AgentError(
                "refused", f"{where.path} holds {name!a}, a name that is no UTF-8",
                action="rename it, or name the other paths one by one",
            ) from None  # fmt: skip
    return names
