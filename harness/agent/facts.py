"""What a host is: the facts that a release is built for and a person recognises it by."""

from __future__ import annotations

import hashlib
import os
import platform
import socket
import time
from typing import Any

from .machine import Machine
from .processes import run


def gather(machine: Machine) -> dict[str, Any]:
    """Return the facts; writes nothing."""
    system = os.uname()
    return {
        "hostname": socket.gethostname(),
        "machine_id_sha256": hashlib.sha256(_read(machine, "/etc/machine-id").encode()).hexdigest(),
        "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
        "kernel": system.release,
        "machine": system.machine,
        "system": system.sysname.lower(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation().lower(),
        "libc": " ".join(platform.libc_ver()).strip(),
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


def _systemd() -> str:
    words = run(("systemctl", "--version"), 10.0).output.split()
    return words[1] if words[1:] else ""
