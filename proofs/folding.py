"""Fold apply results into what their minutes' buckets must hold, by the stream's own normaliser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams import apply_result


class Fold:
    """Counts per minute and field; what the buckets would hold if nothing was lost or doubled."""

    def __init__(self) -> None:
        self._minutes: dict[str, Counter[str]] = {}

    def add(self, entry_id: str, fields: Mapping[Any, Any]) -> None:
        """Count one entry, with its fields as the client gave them."""
        event = apply_result.normalise(entry_id, fields)
        counts = self._minutes.setdefault(event.minute, Counter())
        counts[f"decision:{event.decision}"] += 1
        counts[f"reason:{event.reason}"] += 1

    def minutes(self) -> dict[str, dict[str, int]]:
        """Return the counts as JSON."""
        return {minute: dict(counts) for minute, counts in self._minutes.items()}
