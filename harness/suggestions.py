"""Guess what a mistyped word was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: How alike two words must be (difflib's ratio) before one is suggested for the other.
ALIKE = 0.6
#: A list of known words is printed in full up to this many.
SHORT_LIST = 12


def closest(word: str, known: Iterable[str], alike: float = ALIKE) -> str:
    """Return the known word most like `word`, or an empty string."""
    found = difflib.get_close_matches(word.lower(), sorted(known), n=1, cutoff=alike)
    return found[0] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: a question when something is close, else the short list."""
    words = sorted(known)
    if guess := closest(word, words):
        return f'; did you mean "{guess}"?'
    return f" (there is {', '.join(words)})" if words and len(words) <= SHORT_LIST else ""
