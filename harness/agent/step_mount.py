"""Cover a folder with a full disk, or with itself and nothing to be written; the undo uncovers it.

A mount reaches the units that have a view of their own of the files, as far as their view follows
the host's, which is what systemd does by default. With a unit named, its own view is looked at.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from . import fault_units
from .awaiting import boot_id
from .boundaries import cross
from .failing import AgentError
from .machine import Machine
from .processes import run

WITHIN_S = 30.0
HOWS = ("full", "read-only")
SIZE = "64k"
#: The bit of CAP_SYS_ADMIN, without which nothing is mounted.
SYS_ADMIN = 21
#: System calls of Linux 5.12, of the same number on every machine.
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR = 428, 429, 442
AT_FDCWD = -100
#: Folders that are not covered, lest the host or the undo itself cannot go on.
NEVER = ("/", "/bin", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr", "/var",
         "/var/lib")  # fmt: skip


def refuse(machine: Machine, step: Mapping[str, Any]) -> None:
    """Raise AgentError where nothing can be mounted, or not here."""
    path = machine.at(step["path"])
    if step.get("how") not in HOWS:
        raise AgentError("request", f"a folder is covered {' or '.join(HOWS)}")
    ours = f"{machine.store}/faults/"
    if step["path"] in NEVER or ours.startswith(f"{path}/") or f"{path}/".startswith(ours):
        raise AgentError("refused", f"{step['path']} is never covered: the undo needs it")
    if not os.path.isdir(path) or os.path.realpath(path) != path or re.search(r"\s", path):
        raise AgentError("refused", f"{step['path']} is no folder, or reached by a link")
    if not capable(SYS_ADMIN):
        raise AgentError("refused", "mounting needs root, with CAP_SYS_ADMIN, on this host")


def records(machine: Machine, step: Mapping[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield what is mounted there before, and what the cover will be called."""
    path = machine.at(step["path"])
    about = os.stat(path)
    ids = f"uid={about.st_uid},gid={about.st_gid}"
    yield {
        "path": step["path"], "how": step["how"], "unit": step.get("unit", ""),
        "source": f"quantum-ops-{name}", "before": len(_at(path)), "boot_id": boot_id(),
        "options": f"size={SIZE},mode={about.st_mode & 0o7777:o},{ids}",
    }  # fmt: skip


def do(machine: Machine, record: Mapping[str, Any]) -> None:
    """Cover the folder."""
    path = machine.at(record["path"])
    cross()
    if record["how"] == "full":
        _must("mount", "-t", "tmpfs", "-o", record["options"], record["source"], path)
        cross()
        _fill(os.path.join(path, ".full"))
    else:
        _shut(path)
    cross()


def observe(machine: Machine, record: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether the folder is covered and nothing can be written, for the unit as well."""
    path = machine.at(record["path"])
    ours = _ours(path, record)
    on = ours and _is_shut(path, record)
    if on and record["unit"]:
        pid = int(fault_units.state(machine, record["unit"])["main_pid"])
        on = bool(pid) and _is_cover(_at(path, str(pid)), record)
    return {"on": on, "gone": not ours}


def undo(machine: Machine, record: Mapping[str, Any]) -> None:
    """Uncover it: what is in use is let go of, and vanishes with its last user."""
    path = machine.at(record["path"])
    while _ours(path, record):
        cross()
        if run(("umount", path), WITHIN_S).code != 0:
            _must("umount", "-l", path)


def _shut(path: str) -> None:
    """Lay a folder over itself, read-only from the first moment on.

    Making a mount read-only reaches nobody else's view of it; one that is so already does.
    """
    tree = _call(OPEN_TREE, AT_FDCWD, os.fsencode(path), 1 | os.O_CLOEXEC)  # OPEN_TREE_CLONE
    try:
        # read-only, nothing to take away, private until it is attached, no other users
        wanted = struct.pack("=4Q", 1, 0, 1 << 18, 0)
        _call(MOUNT_SETATTR, tree, b"", 0x1000, wanted, len(wanted))  # AT_EMPTY_PATH
        _call(MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(path), 4)  # MOVE_MOUNT_F_EMPTY_PATH
    finally:
        os.close(tree)


def _call(number: int, *words: object) -> int:
    """Make a system call that libc has no name for; raises OSError."""
    import ctypes

    given = [ctypes.c_long(each) if isinstance(each, int) else each for each in words]
    made = int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *given))
    if made < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return made


def _ours(path: str, record: Mapping[str, Any]) -> bool:
    """Tell whether what is mounted on top there is the cover; no reboot keeps one."""
    found = _at(path)
    return (
        record["boot_id"] == boot_id()
        and len(found) > record["before"]
        and _is_cover(found, record)
    )


def _is_cover(found: list[dict[str, str]], record: Mapping[str, Any]) -> bool:
    if not found:
        return False
    if record["how"] == "full":
        return found[-1]["source"] == str(record["source"])
    return "ro" in found[-1]["options"].split(",")


def _is_shut(path: str, record: Mapping[str, Any]) -> bool:
    about = os.statvfs(path)
    return about.f_bavail == 0 if record["how"] == "full" else bool(about.f_flag & os.ST_RDONLY)


def mounts(pid: str = "self") -> list[dict[str, str]]:
    """Return what is mounted where, oldest first."""
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    found = []
    for words in lines:
        kind, source, *_ = words[words.index("-") + 1 :]
        found.append({"at": words[4], "options": words[5], "kind": kind, "source": source})
    return found


def _at(path: str, pid: str = "self") -> list[dict[str, str]]:
    try:
        return [each for each in mounts(pid) if each["at"] == path]
    except OSError:
        return []


def _fill(path: str) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        while os.write(opened, bytes(4096)):
            continue
    except OSError:
        return
    finally:
        os.close(opened)


def capable(bit: int) -> bool:
    """Tell whether this process may do what a capability stands for."""
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            said = dict(line.split(":", 1) for line in file)
        return bool(int(said["CapEff"], 16) >> bit & 1)
    except (OSError, KeyError, ValueError):
        return False


def _must(*words: str) -> None:
    ended = run(words, WITHIN_S)
    if ended.code != 0:
        raise AgentError("failed", f"{words[0]}: {ended.last_line or 'did not end in time'}")
