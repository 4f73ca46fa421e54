"""What a host is: the facts that a release is built for and a person recognises it by."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import time

from .machine import Machine
from .processes import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def gather(machine: Machine) -> dict[str, Any]:
    """Return the facts; writes nothing."""
    system = os.uname()
    return {
        "hostname": system.nodename,
        "machine_id_sha256": hashlib.sha256(_read(machine, "/etc/machine-id").encode()).hexdigest(),
        "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
        "kernel": system.release,
        "machine": system.machine,
        "system": system.sysname.lower(),
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "libc": _libc(),
        "systemd": _systemd() if machine.services.name == "systemd" else "",
        "services": machine.services.name,
        "user": str(os.getuid()),
        "time_s": time.time(),
        "disk_free_bytes": free_bytes(machine.store),
    }


def free_bytes(path: str) -> int:
    """Return what is free on the file system that holds `path` or will."""
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "/"
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _read(machine: Machine, path: str) -> str:
    return _first_line(machine.at(path)) or _first_line(path)


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""


def _systemd() -> str:
    """Return systemd's version, as its one library's name has it; else it is asked itself."""
    found: list[re.Match[str]] = []
    for folder in (f"/usr/lib/{os.uname().machine}-linux-gnu/systemd", "/usr/lib/systemd"):
        with contextlib.suppress(OSError):
            names = os.listdir(folder)
            found += filter(None, (re.match(r"libsystemd-shared-(\d+)", name) for name in names))
    if len(found) == 1:  # starting a program costs more than the rest of a look
        return found[0][1]
    words = run(("systemctl", "--version"), 10.0).output.split()
    return words[1] if words[1:] else ""
