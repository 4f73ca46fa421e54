"""What a check may conclude: proved, refuted or unknown; the worst wins, unknown never passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Verdict(IntEnum):
    """Ordered from good to bad, so that the worst is the maximum."""

    proved = 0
    unknown = 1
    refuted = 2

    @property
    def exit_code(self) -> int:
        """0 proved, 2 unknown, 1 refuted (contract.json)."""
        return {Verdict.proved: 0, Verdict.unknown: 2, Verdict.refuted: 1}[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict with the sentences that led to it and the numbers behind them."""

    verdict: Verdict
    reasons: tuple[str, ...]
    numbers: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def proved(cls, *reasons: str, **numbers: object) -> Finding:
        """Return: the evidence shows that the claim holds."""
        return cls(Verdict.proved, reasons, numbers)

    @classmethod
    def refuted(cls, *reasons: str, **numbers: object) -> Finding:
        """Return: the evidence shows that the claim does not hold."""
        return cls(Verdict.refuted, reasons, numbers)

    @classmethod
    def unknown(cls, *reasons: str, **numbers: object) -> Finding:
        """Return: the evidence does not suffice, which is never a pass."""
        return cls(Verdict.unknown, reasons, numbers)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; of none at all: unknown, since nothing was shown."""
    return max(verdicts, default=Verdict.unknown)
