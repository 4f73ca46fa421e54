"""What the ledger asks of a check, so that the harness need not know any proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Verdict(Protocol):
    """What a verdict looks like from here."""

    @property
    def name(self) -> str:
        """proved, refuted or unknown."""


class Judgement(Protocol):
    """What a check returns: a finding."""

    @property
    def verdict(self) -> Verdict:
        """Its verdict."""


@dataclass(frozen=True, slots=True)
class Check:
    """A claim's pure check as it is today, and the digest of its code."""

    judge: Callable[[Mapping[str, Any]], Judgement]
    sha256: str
