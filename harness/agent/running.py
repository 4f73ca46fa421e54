"""What a running process really has: its digests, its credentials, its command line."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

#: Only our own digests leave the host: an environment may hold secrets.
PREFIX = "QUANTUM_"


def environ(pid: int) -> dict[str, str]:
    """Return the QUANTUM_* variables that a process was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            raw = file.read()
    except OSError:
        return {}
    pairs = (item.decode(errors="replace").partition("=") for item in raw.split(b"\0"))
    return {name: value for name, _, value in pairs if name.startswith(PREFIX)}


def credentials(pid: int, unit: str, names: Iterable[str]) -> dict[str, str | None]:
    """Return the digest of each credential as the process sees it, None where it has none."""
    return {name: _digest(f"/proc/{pid}/root/run/credentials/{unit}/{name}") for name in names}


def _digest(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def cmdline(pid: int) -> list[str]:
    """Return a process's words, empty when it is gone."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            raw = file.read()
    except OSError:
        return []
    return [word.decode(errors="replace") for word in raw.rstrip(b"\0").split(b"\0")] if raw else []


def cwd(pid: int) -> str | None:
    """Return a process's working directory, None when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def in_group(pid: int, group: str) -> bool:
    """Tell whether a process is in a control group, or in one below it."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            paths = [line.rstrip("\n").split(":", 2)[2] for line in file]
    except (OSError, IndexError):
        return False
    return any(path == group or path.startswith(f"{group}/") for path in paths)
