"""The modules that only a change needs, each loaded when it is first used.

Most connections look and find nothing to change. Loading what they do not use would cost the host
more than the look does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any


class _Late:
    """Stands for a module until something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(f".{self._name}", __package__), name)


if TYPE_CHECKING:
    from . import logs, operating, restoring, rolling_back, snapshots, transaction, undoing
else:
    logs, operating, restoring, rolling_back, snapshots, transaction, undoing = map(
        _Late,
        ("logs", "operating", "restoring", "rolling_back", "snapshots", "transaction", "undoing"),
    )

__all__ = [
    "logs", "operating", "restoring", "rolling_back", "snapshots", "transaction", "undoing",
]  # fmt: skip
