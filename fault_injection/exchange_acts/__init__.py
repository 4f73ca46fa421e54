"""What the laptop does to the simulated exchange of a run, and what its record shows of it.

`act(word, url)` makes one act of a fault's word; nobody but the run's own child is ever steered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from fault_injection.exchange_acts.misbehave import Misbehave
from fault_injection.exchange_acts.skew import Skew
from fault_injection.exchange_acts.telling import calls

__all__ = ["ACTS", "Act", "act", "calls", "wanted"]


class Act(Protocol):
    """An act while its fault lasts."""

    def inject(self) -> str:
        """Make it so; return what was done, for people."""

    def observed(self) -> str:
        """Return what is seen of it, "" if nothing."""

    def undo(self) -> None:
        """Make it as before; twice is fine."""

    def gone(self) -> str:
        """Return what shows that it is over, "" while it is not."""


#: A word's `do` -> what does it.
ACTS: Mapping[str, Callable[[Mapping[str, Any], str], Act]] = {
    "misbehave": Misbehave,
    "skew_clock": Skew,
}


def act(word: Mapping[str, Any], url: str) -> Act:
    """Return the act of a word; raises KeyError for a word that is no act on the exchange."""
    return ACTS[word["do"]](word, url)


def wanted(words: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether any of these words needs the simulated exchange."""
    return any(word["do"] in ACTS for word in words)
