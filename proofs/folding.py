"""Fold apply results into what their minutes' buckets must hold, by the stream's own normaliser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from streams.apply_result import normalise
from streams.folding import fold


class Folded:
    """Counts per minute and field: what the buckets hold if nothing was lost or doubled."""

    def __init__(self) -> None:
        self._minutes: dict[str, Counter[str]] = {}

    def add(self, entries: Iterable[tuple[str, Mapping[Any, Any]]]) -> None:
        """Count entries, with their fields as the client gave them."""
        results = [normalise(entry, decoded(fields)) for entry, fields in entries]
        for minute, counts in fold(results, symbols=False).buckets.items():
            self._minutes.setdefault(minute, Counter()).update(counts)

    def minutes(self) -> dict[str, dict[str, int]]:
        """Return the counts as JSON."""
        return {minute: dict(counts) for minute, counts in self._minutes.items()}


def decoded(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Return fields as text, in the consumers' way: what is no UTF-8 is replaced."""
    return {_text(name): _text(value) for name, value in fields.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
