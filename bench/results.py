"""What was measured: a median of runs, its ratio to another's, its target, the verdict. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

#: Exit codes of a bench.
MET, NOT_MET, NOT_MEASURED = 0, 1, 2


class Spread(NamedTuple):
    """The median of some runs, with the least and the greatest beside it: the noise is shown."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, runs: Sequence[float]) -> Spread:
        """Return the spread of at least one run."""
        return cls(statistics.median(runs), min(runs), max(runs))


class Target(NamedTuple):
    """What was promised: `of` is "value" or "ratio"; a `floor` is to be reached, a ceiling kept."""

    of: str
    limit: float
    floor: bool

    def met(self, result: Result) -> bool:
        """Tell whether the median keeps the promise."""
        measured = result.ratio if self.of == "ratio" else result.value
        if measured is None:
            return False
        return measured.median >= self.limit if self.floor else measured.median <= self.limit

    def words(self, unit: str) -> str:
        """Return it for a table."""
        sign = ">=" if self.floor else "<="
        return f"{sign} {self.limit:g}" + ("x" if self.of == "ratio" else f" {unit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One line of the table."""

    topic: str
    what: str
    value: Spread | None  #: None where it could not be measured; `note` says why
    unit: str
    ratio: Spread | None = None
    against: str = ""
    target: Target | None = None
    note: str = ""

    @property
    def missed_by(self) -> str:
        """Return how far the median is from the promise; "" where it keeps it, or there is none."""
        measured = self.ratio if self.target and self.target.of == "ratio" else self.value
        if self.target is None or measured is None or self.target.met(self):
            return ""
        unit = "x" if self.target.of == "ratio" else f" {self.unit}"
        return f"{abs(measured.median - self.target.limit):.2g}{unit}"

    @property
    def verdict(self) -> str:
        """Return "met", "not met", or "" where nothing was promised."""
        if self.target is None:
            return ""
        return "met" if self.target.met(self) else "not met"


def exit_code(results: Sequence[Result], failed: Sequence[str]) -> int:
    """Return how a bench ends: what could not be measured counts more than a promise not kept."""
    if failed:
        return NOT_MEASURED
    return NOT_MET if any(each.verdict == "not met" for each in results) else MET


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return ours to theirs, run by run: noise that met both in one round cancels out."""
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return what a share (0 to 1) of the values does not exceed: the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def at_least(limit: float, of: str = "ratio") -> Target:
    """Return a target to be reached."""
    return Target(of, limit, floor=True)


def at_most(limit: float, of: str = "value") -> Target:
    """Return a target not to be exceeded."""
    return Target(of, limit, floor=False)
