"""Read what a manifest says: it maps each deployed path to the state it was left in."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from harness.desired import CREDENTIALS, UNITS, WANTS


def unit_files(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the deployed unit file and drop-ins of each unit."""
    found: dict[str, list[str]] = {}
    for path in sorted(manifest):
        folder, name = posixpath.split(path)
        if folder == UNITS and manifest[path].get("kind") == "file":
            found.setdefault(name, []).append(path)
        elif posixpath.dirname(folder) == UNITS and folder.endswith(".d"):
            found.setdefault(posixpath.basename(folder)[: -len(".d")], []).append(path)
    return found


def unit_of(path: str) -> str:
    """Return the unit that a path makes: its file, a drop-in, their folder, its link; else ""."""
    folder, name = posixpath.split(path)
    if folder in {UNITS, WANTS}:
        return name.removesuffix(".d") if name.endswith((".service", ".service.d")) else ""
    if posixpath.dirname(folder) == UNITS and folder.endswith(".service.d"):
        return posixpath.basename(folder).removesuffix(".d")
    return ""


def told_openly(path: str) -> bool:
    """Tell whether what lies there holds no secret by its place: units and env files."""
    return bool(unit_of(path)) or (
        posixpath.dirname(path) == posixpath.dirname(CREDENTIALS) and path.endswith(".env")
    )


def service_of(path: str) -> str:
    """Return the service that a deployed path belongs to by its place; "" where that says none.

    The places of units, env files and credentials are fixed, so that this holds for a service that
    no role knows any more.
    """
    if unit := unit_of(path):
        return unit.removesuffix(".service").partition("@")[0].removeprefix("quantum-")
    folder, name = posixpath.split(path)
    if folder == posixpath.dirname(CREDENTIALS) and name.endswith(".env"):
        return name.removesuffix(".env")
    if folder == CREDENTIALS:
        return name
    return posixpath.basename(folder) if posixpath.dirname(folder) == CREDENTIALS else ""
