"""Name identities in a verdict: some of them in its sentence, more of them as its numbers."""

from __future__ import annotations

from collections.abc import Iterable

#: So many are named in a sentence, and so many in the numbers of a finding.
IN_A_SENTENCE, KEPT = 5, 100


def named(identities: Iterable[str]) -> str:
    """Return some of them as text."""
    every = sorted(identities)
    more = len(every) - IN_A_SENTENCE
    return ", ".join(every[:IN_A_SENTENCE]) + (f" and {more} more" if more > 0 else "")


def kept(identities: Iterable[str]) -> list[str]:
    """Return as many as a finding keeps."""
    return sorted(identities)[:KEPT]
