"""Chance that is the same for the same words on every Python and every machine.

`random` promises that of random() alone; what is drawn from it has changed between versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of draws, named by words; `of` gives another one that does not depend on draws."""

    def __init__(self, *words: str | int) -> None:
        self._words = words
        self._drawn = 0

    def of(self, *words: str | int) -> Chance:
        """Return the chance of a part."""
        return Chance(*self._words, *words)

    def below(self, bound: int) -> int:
        """Return a number from 0 to bound - 1."""
        self._drawn += 1
        raw = sha256(repr((*self._words, self._drawn)).encode()).digest()[:8]
        return int.from_bytes(raw, "big") * bound >> 64

    def between(self, least: int, most: int) -> int:
        """Return a number from least to most, both of them included."""
        return least + self.below(most - least + 1)

    def one_of(self, each: Sequence[T]) -> T:
        """Return one of them."""
        return each[self.below(len(each))]

    def shuffled(self, each: Sequence[T]) -> list[T]:
        """Return all of them in another order."""
        left = list(each)
        return [left.pop(self.below(len(left))) for _ in range(len(left))]
