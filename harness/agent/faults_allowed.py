"""Whether this host may be broken at all: it must say so itself, and anything unclear means no."""

from __future__ import annotations

import calendar
import glob
import os
import stat
import time
from collections.abc import Mapping

from .failing import AgentError
from .machine import Machine
from .places import place

MARKER = "/etc/quantum/faults-allowed"
#: The marker's two lines: `inventory=NAME` and `until=2026-01-31T18:00:00Z`.
KEYS = {"inventory", "until"}
TIME = "%Y-%m-%dT%H:%M:%SZ"
LARGEST = 4096
MODES = ("sandbox", "testnet")
ENV_FILES = "/etc/quantum/*.env"


def refuse(machine: Machine, inventory: object, mode: object) -> None:
    """Raise AgentError unless the host's marker allows faults to this inventory, now."""
    refuse_mode(mode)
    refuse_trading(machine)
    said = marker(machine)
    if not inventory or said["inventory"] != inventory:
        raise _no(f"it allows them to the inventory {said['inventory']!r}, not to {inventory!r}")
    if until_s(said) <= time.time():
        raise _no(f"its time was over at {said['until']}")


def refuse_mode(mode: object) -> None:
    """Raise AgentError for an inventory of which nothing may be broken."""
    if mode not in MODES:
        raise _no(f"the inventory's mode is {mode!r}: faults are for {' and '.join(MODES)} alone")


def until_s(said: Mapping[str, str]) -> int:
    """Return when a marker's time is over."""
    try:
        return calendar.timegm(time.strptime(said["until"], TIME))
    except ValueError:
        raise _no(f"its time {said['until']!r} is none") from None


def marker(machine: Machine) -> dict[str, str]:
    """Return what the marker says, if nobody but root can have written it."""
    try:
        with place(machine, MARKER) as where:
            folder = os.fstat(where.parent)
            with os.fdopen(where.open(), "rb") as file:
                found = os.fstat(file.fileno())
                raw = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise _no("it is not there") from None
    except (AgentError, OSError) as error:
        raise _no(f"it cannot be read: {error}") from None
    # in the sandbox there is no root: whoever has the directory is in its place
    root = 0 if machine.honour_owners else os.geteuid()
    for what, about in (("it", found), ("its folder", folder)):
        if about.st_uid != root:
            raise _no(f"{what} belongs to the user {about.st_uid}, not to {root}")
        if about.st_mode & 0o022:
            raise _no(f"{what} can be written by others than root")
    if not stat.S_ISREG(found.st_mode) or len(raw) > LARGEST:
        raise _no("it is no small file")
    lines = raw.decode(errors="replace").split()
    said = dict(line.partition("=")[::2] for line in lines)
    if set(said) != KEYS or len(lines) != len(KEYS):
        raise _no(f"it does not say {' and '.join(sorted(KEYS))}, each once")
    return said


def refuse_trading(machine: Machine) -> None:
    """Raise AgentError when a service here says that it is live, whatever the inventory says."""
    for path in glob.glob(glob.escape(machine.root) + ENV_FILES):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise _no(f"{path} cannot be read: {error.strerror}") from None
        said = [line.partition("=")[2].strip("'\"") for line in lines
                if line.startswith("QUANTUM_MODE=")]  # fmt: skip
        if any(mode not in MODES for mode in said):
            raise _no(f"{os.path.basename(path)} says QUANTUM_MODE={said[-1]}")


def _no(why: str) -> AgentError:
    return AgentError(
        "refused", f"no faults on this host ({MARKER}): {why}", step="guard",
        action="invoke faults.allow: it asks, and lets an inventory break its hosts for a while",
    )  # fmt: skip
