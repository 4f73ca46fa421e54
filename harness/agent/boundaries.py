"""Count every point where a crash could fall, and fall there when a test asks for it."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable


def _nobody() -> None:
    """Refuse nothing."""


class Boundaries:
    """A counter of journal writes and renames; `die_at` kills, `full_at` finds the disk full.

    At each of them `fence` is asked first, which raises AgentError for a holder of the lock whose
    time is over.
    """

    def __init__(self) -> None:
        self.passed = 0
        self.counting = False
        self.die_at = 0
        self.full_at = 0
        self.stop_at = 0
        self.fence: Callable[[], None] = _nobody

    def arm(self, die_at: int | None, full_at: int | None, stop_at: int | None = None) -> None:
        """Set where to fall, counted from 1; zero counts without falling."""
        self.counting = die_at is not None or full_at is not None
        self.die_at = die_at or 0
        self.full_at = full_at or 0
        self.stop_at = stop_at or 0

    def cross(self) -> None:
        """Pass one boundary, or end here."""
        self.passed += 1
        if self.passed == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.passed == self.full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.passed == self.stop_at:
            os.kill(os.getpid(), signal.SIGSTOP)
        self.fence()

    def unfenced(self) -> None:
        """Let nobody's lock be asked after any more."""
        self.fence = _nobody


BOUNDARIES = Boundaries()
cross = BOUNDARIES.cross
