"""When to try a connection again that sshd did not let in: full jitter, bounded in count and time.

Only connecting is tried again. Nothing has been asked of the host by then; once a transaction has
begun, a lost connection is never replaced by another that would begin it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.errors import UnreachableError

T = TypeVar("T")

#: The first pause is at most this long, each later one at most twice the one before, in seconds.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0


class NotLetInError(Exception):
    """The host's sshd did not let us say anything; `told` is what a person is shown."""

    #: How often it is tried, the first time included.
    tries = 1

    def __init__(self, told: UnreachableError) -> None:
        super().__init__()
        self.told = told


class HungUpError(NotLetInError):
    """It ended the connection before it said anything, as it does when too many wait.

    MaxStartups drops some of many at random for as long as they are too many: worth patience.
    """

    tries = 16


class RefusedError(NotLetInError):
    """Nobody listens: sshd restarts, or the host boots, or it has no sshd at all: soon told."""

    tries = 4


@dataclass(frozen=True, slots=True)
class Means:
    """The clock, chance and patience of the one who tries; passed in, so that tests have them."""

    clock: Callable[[], float]  #: monotonic, in seconds
    chance: Callable[[], float]  #: from 0 to 1
    wait: Callable[[float], None]  #: for so many seconds


def longest_pause(tried: int) -> float:
    """Return how long to wait at most when it has been tried so many times. Pure."""
    return float(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (tried - 1)))


def persistently(attempt: Callable[[], T], until: float, means: Means) -> T:
    """Return what `attempt` returns, trying again after NotLetInError until `until` (monotonic).

    Full jitter: any pause from none to the longest is as likely, so that many who were turned
    away at once do not come back at once. Raises what was told the last time.
    """
    tried = 0
    while True:
        try:
            return attempt()
        except NotLetInError as error:
            tried += 1
            pause = means.chance() * longest_pause(tried)
            if tried >= error.tries or means.clock() + pause >= until:
                raise error.told from error
            means.wait(pause)
