"""How all stood as a run began: what was there before is no part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One flow's beginning; JSON both ways."""

    at_ms: int  #: by Redis's clock
    last_id: str  #: of the stream
    #: entries that waited then -> identity, and what each adds to buckets
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)  #: stream -> its last id
    sums: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  #: minute -> its bucket
    positions: Mapping[str, str] = field(default_factory=dict)  #: on paper: symbol -> base units
    order_id: int = 0  #: the newest order at the simulated exchange

    def told(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "at_ms": self.at_ms,
            "last_id": self.last_id,
            "waiting": {entry: list(words) for entry, words in self.waiting.items()},
            "outputs": dict(self.outputs),
            "sums": {minute: dict(fields) for minute, fields in self.sums.items()},
            "positions": dict(self.positions),
            "order_id": self.order_id,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Return what `told` gave; raises KeyError or TypeError for anything else."""
        waiting = {entry: tuple(words) for entry, words in told["waiting"].items()}
        return cls(**{**told, "waiting": waiting})
