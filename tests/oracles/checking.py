"""Judge what became of produced entries, by sets of identities: counts lie, identities do not.

All of it is pure. An oracle that cannot say no is none: test_checking.py plants histories for it.
"""

from collections.abc import Mapping
from typing import NamedTuple


class History(NamedTuple):
    """Where every identity was found in the end."""

    produced: frozenset[str]  #: of those, Redis answered the XADD
    settled: Mapping[str, int]  #: read from the effects: identity -> how many there are
    pending: frozenset[str] = frozenset()
    undelivered: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()  #: in the dead letters


class Verdict(NamedTuple):
    """Which identities went wrong, and how; `vacuous` says why nothing was shown at all."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()  #: settled, and never produced
    misplaced: tuple[str, ...] = ()  #: in two places: acknowledged before its effect, or after
    vacuous: str = ""

    @property
    def word(self):
        """Return proved, refuted or unknown; unknown is no pass."""
        if self.lost or self.doubled or self.unexpected or self.misplaced:
            return "refuted"
        return "unknown" if self.vacuous else "proved"


def conservation(history, *, at_least=1, observed=None):
    """Check produced = settled + pending + undelivered + dead-lettered, disjoint, each once.

    `observed` maps what had to happen (kills, claims) to how often it was seen to.
    """
    settled = set(history.settled)
    places = (settled, history.pending, history.undelivered, history.dead)
    found = set().union(*places)
    unseen = [name for name, times in (observed or {}).items() if not times]
    vacuous = ""
    if len(history.produced) < at_least:
        vacuous = f"{len(history.produced)} entries are too few"
    elif unseen:
        vacuous = f"never observed: {', '.join(unseen)}"
    return Verdict(
        lost=tuple(sorted(history.produced - found)),
        doubled=tuple(sorted(each for each, n in history.settled.items() if n > 1)),
        unexpected=tuple(sorted(found - history.produced)),
        misplaced=tuple(
            sorted(each for each in found if sum(each in place for place in places) > 1)
        ),
        vacuous=vacuous,
    )
