"""A schedule as plain values, and as the bytes that stand for it: the same seed, the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from harness.errors import ConfigurationError
from harness.fault_requests import MOST

#: The shape of the bytes; raised when what is drawn for a seed changes as well.
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much may be broken at once; a fault counts until its host would undo it by itself."""

    faults: int = 3
    hosts: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.faults <= MOST and self.hosts >= 1):
            raise ConfigurationError(
                f"{self.faults} faults at once on {self.hosts} hosts", step="caps",
                action=f"at least 1 of each, and at most {MOST} faults",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One scenario's time, in ms from the start; its faults come and go within the middle."""

    scenario: str
    workload: str
    seed: int  #: of the workload
    per_s: int
    from_ms: int
    faults_from_ms: int
    faults_to_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One fault: when it is injected and undone, at whom, and in which words."""

    number: int
    scenario: str
    fault: str
    by: str  #: agent or laptop
    host: str
    unit: str
    at_ms: int
    undo_at_ms: int
    ttl_s: int  #: after so long the host undoes it by itself, or the laptop stops
    words: tuple[Mapping[str, Any], ...]

    @property
    def over_ms(self) -> int:
        """Return when it is over, whatever becomes of the laptop."""
        return self.at_ms + 1000 * self.ttl_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A whole day."""

    seed: int
    minutes: int
    caps: Caps
    slots: tuple[Slot, ...]
    faults: tuple[Planned, ...]  #: in the order in which they are injected


def encode(schedule: Schedule) -> bytes:
    """Return canonical JSON: sorted keys, no blanks, ASCII alone, whole numbers alone."""
    said = {"format": FORMAT, **asdict(schedule)}
    return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(schedule: Schedule) -> str:
    """Return the sha256 of its bytes, for the history's first line."""
    return sha256(encode(schedule)).hexdigest()


def decode(raw: bytes) -> Schedule:
    """Return the schedule that the bytes stand for; raises ConfigurationError."""
    try:
        said = json.loads(raw)
        if said["format"] != FORMAT:
            raise _none(f"its format is {said['format']}, not {FORMAT}")
        return Schedule(
            seed=said["seed"],
            minutes=said["minutes"],
            caps=Caps(**said["caps"]),
            slots=tuple(Slot(**each) for each in said["slots"]),
            faults=tuple(
                Planned(**{**each, "words": tuple(each["words"])}) for each in said["faults"]
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _none(f"{type(error).__name__}: {error}") from None


def _none(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"that is no schedule: {why}", step="schedule", action="draw it anew from its seed"
    )
