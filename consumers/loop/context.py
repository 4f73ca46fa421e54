"""What a consumer's work is given, and what the loop asks of the work."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from redis.exceptions import ResponseError

from consumers.loop.failing import GroupMovedError
from consumers.loop.measuring import Metrics
from consumers.loop.reading import Entry, Place
from consumers.loop.settings import Settings
from consumers.loop.stopping import Stop

S_co = TypeVar("S_co", bound=Settings, covariant=True)


def wall_ms() -> int:
    """Return the wall clock, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Context(Generic[S_co]):
    """One consumer process, as its work sees it."""

    client: Any  #: redis.Redis: retries nothing, answers in text, XREADGROUP as Redis gives it
    place: Place
    settings: S_co
    log: Any  #: structlog's: log.info("event in words", name=value)
    metrics: Metrics
    stop: Stop  #: true once asked to stop; stop.wait(seconds) ends early for it
    #: breaks the process at a named point where QUANTUM_FAILPOINTS says so
    failpoint: Callable[[str], None]
    #: to be called now and then in long work: feeds the watchdog; raises NameTakenError where
    #: another process has our name by now
    progress: Callable[[], None]
    now_ms: Callable[[], int] = wall_ms

    def again(self, entry_id: str) -> int:
        """Return how often a pending entry was delivered; 0 where it is not ours to settle.

        Raises GroupMovedError where the group is gone.
        """
        place = self.place
        try:
            pending = self.client.xpending_range(
                place.stream, place.group, entry_id, entry_id, 1, place.consumer
            )
        except ResponseError as error:
            if "NOGROUP" in str(error):
                raise GroupMovedError("gone while an entry was under way") from error
            raise
        return int(pending[0]["times_delivered"]) if pending else 0


class Work(Protocol):
    """What a consumer does with its entries; the loop does the rest."""

    @property
    def size(self) -> int:
        """How many new entries to read at once; with more than one, the next are read ahead."""

    @property
    def own_size(self) -> int:
        """How many own pending entries to read at once; 1 where a delivery counts as an attempt."""

    def take(self, entries: list[Entry]) -> None:
        """Settle entries: each by a script of ours, as a dead letter, or left pending by raising.

        May raise TransientError, GroupMovedError, SpoiledKeyError and redis-py's errors: after any
        of them the loop waits a little and reads own pending again.
        """

    def due_in_s(self) -> float:
        """Return how long until `tick` is wanted, in seconds; math.inf for never."""

    def tick(self, state: str) -> None:
        """Do what is due by time. `state` is "running", or "stopped" for the last time."""

    def held(self) -> str:
        """Return why nothing may be read now (an open circuit breaker), "" where it may."""

    def about(self) -> Mapping[str, str | int]:
        """Return what the status hash shall say beside the loop's own words."""
