"""The modules that only a change needs, each loaded when it is first used.

Most connections look and find nothing to change. Loading what they do not use would cost the host
more than the look does.
"""

from __future__ import annotations

import importlib


class _Late:
    """Stands for a module until something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(f".{self._name}", __package__), name)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import (
        deciding,
        faults,
        faults_allowing,
        injecting,
        logs,
        operating,
        probing,
        pruning,
        restoring,
        rolling_back,
        snapshots,
        switch,
        transaction,
        undoing,
    )
else:
    deciding, faults, injecting, logs, operating, probing, pruning, restoring = map(
        _Late,
        ("deciding", "faults", "injecting", "logs", "operating", "probing", "pruning", "restoring"),
    )
    faults_allowing, rolling_back, snapshots, switch, transaction, undoing = map(
        _Late,
        ("faults_allowing", "rolling_back", "snapshots", "switch", "transaction", "undoing"),
    )

__all__ = [
    "deciding", "faults", "faults_allowing", "injecting", "logs", "operating", "probing",
    "pruning", "restoring", "rolling_back", "snapshots", "switch", "transaction", "undoing",
]  # fmt: skip
