"""What the laptop does to the simulated exchange of a run, and what its record shows of it.

`act(word, url)` makes one act of a fault's word; nobody but the run's own child is ever steered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fault_injection.act import Act
from fault_injection.exchange_acts.misbehave import Misbehave
from fault_injection.exchange_acts.skew import Skew
from fault_injection.exchange_acts.telling import calls

__all__ = ["ACTS", "Act", "act", "calls", "wanted"]


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
