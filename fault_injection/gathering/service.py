"""What is asked of each service's part: counted.py, routed.py, executed.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from fault_injection.gathering.beginning import Opened
from fault_injection.gathering.place import Place
from fault_injection.gathering.reading import Command, Fields, Moment
from fault_injection.history.happenings import Happening, Produced


class Account(Protocol):
    """One flow's effects, read again in the end.

    It hears of every entry of the run first; its commands are then part of the MULTI that reads
    the group's place, and its effects are those of that moment and of none later.
    """

    def take(self, entry: Produced) -> None:
        """Hear of an entry of the run."""

    def commands(self) -> Sequence[Command]:
        """Return what else must be of the same moment."""

    def whole(self) -> bool:
        """Tell whether that was all there is; else the moment is tried again."""

    def standing(self, at: Moment) -> Mapping[str, Any]:
        """Return what an Opened keeps of that moment, by its fields."""

    def effects(self, at: Moment) -> Iterator[Happening]:
        """Yield the effects as of that moment."""


class Service(Protocol):
    """A module."""

    STATUS: str  #: its group's status hash

    def produced(self, place: Place, entry: str, fields: Fields) -> Produced:
        """Say what an entry is. Pure; never raises."""

    def outputs(self, place: Place) -> tuple[str, ...]:
        """Return the streams where effects go, dead letters first."""

    def Account(self, client: Any, place: Place, opened: Opened) -> Account:  # noqa: N802
        """Return the account of what came after `opened`."""
