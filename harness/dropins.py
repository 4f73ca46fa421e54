"""Drop-ins that nobody deployed: they change what a managed unit runs, whatever its own file says.

Pure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Container, Mapping
from typing import Any

from harness.desired import UNITS


def unplaced(units: Mapping[str, Mapping[str, Any]], *placed: Container[str]) -> dict[str, str]:
    """Return path -> unit of every drop-in that is in none of `placed`."""
    return {
        path: name
        for name, state in units.items()
        for path in state.get("dropins") or ()
        if not any(path in each for each in placed)
    }


def removable(path: str, unit: str) -> bool:
    """Tell whether a deploy may take it away: it is this unit's alone, and no package's."""
    return posixpath.dirname(path) == f"{UNITS}/{unit}.d"
