"""End the process that somebody recorded, and no other that has its number now."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def myself() -> dict[str, Any]:
    """Return what tells this process from any other, before it and after it."""
    return {"pid": os.getpid(), "started": started(os.getpid())}


def look(pid: int) -> dict[str, Any] | None:
    """Return a process' pid, state, session and start; None when that is unknown."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # the name in brackets may hold anything
            fields = file.read().rpartition(")")[2].split()
        return {"pid": pid, "state": fields[0], "session": fields[3], "started": fields[19]}
    except (OSError, IndexError):
        return None


def started(pid: int) -> str:
    """Return when a process began, in the kernel's ticks since boot; empty when that is unknown."""
    return str((look(pid) or {}).get("started", ""))


def pids() -> list[int]:
    """Return the numbers of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def end(recorded: Mapping[str, Any], number: signal.Signals) -> None:
    """Send a signal to the recorded process; one that is gone, or another by now, gets none."""
    pid, since = recorded.get("pid"), recorded.get("started")
    if not (isinstance(pid, int) and pid > 1 and since) or pid == os.getpid():
        return
    with contextlib.suppress(OSError):
        if not hasattr(os, "pidfd_open"):
            if started(pid) == since:
                os.kill(pid, number)
            return
        # the descriptor is of one process for good, so what is seen after it is opened holds
        opened = os.pidfd_open(pid)
        try:
            if started(pid) == since:
                signal.pidfd_send_signal(opened, number)
        finally:
            os.close(opened)
