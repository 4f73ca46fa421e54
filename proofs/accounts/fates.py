"""Sort identities by what became of them: small evidence that a check can still judge by itself.

A fate is a few plain facts. Of each fate the evidence holds how many share it and some of them by
name; what the facts mean is for the check to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

#: How many of each fate are named.
NAMED = 20

Fate = Mapping[str, Any]


class Fates:
    """What became of whom."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}
        self._count: dict[str, int] = {}

    def add(self, name: str, fate: Fate) -> None:
        """Count one of this fate."""
        told = json.dumps(fate, sort_keys=True)
        named = self._found.setdefault(told, [])
        if len(named) < NAMED:
            named.append(name)
        self._count[told] = self._count.get(told, 0) + 1

    def told(self) -> list[dict[str, Any]]:
        """Return every fate with its count and names, as JSON."""
        return [
            {"fate": json.loads(told), "count": self._count[told], "named": sorted(named)}
            for told, named in sorted(self._found.items())
        ]


def total(fates: Iterable[Mapping[str, Any]]) -> int:
    """Return how many there are in all."""
    return sum(int(each["count"]) for each in fates)


def named(each: Mapping[str, Any], most: int = 5) -> str:
    """Return who shares a fate, as far as they fit into a sentence."""
    names = [str(name) for name in each["named"]]
    more = int(each["count"]) - min(len(names), most)
    return ", ".join(names[:most]) + (f" and {more} more" if more else "")


def chunks(names: list[str], size: int = 2_000) -> Iterator[list[str]]:
    """Yield so many at a time as one round trip asks about."""
    for at in range(0, len(names), size):
        yield names[at : at + size]
