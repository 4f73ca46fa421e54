"""Read what a manifest says: it maps each deployed path to the state it was left in."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from harness.desired import UNITS


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
