"""Count every point where a crash could fall, and fall there when a test asks for it."""

from __future__ import annotations

import errno
import os
import signal


class Boundaries:
    """A counter of journal writes and renames; `die_at` kills, `full_at` finds the disk full."""

    def __init__(self) -> None:
        self.passed = 0
        self.counting = False
        self.die_at = 0
        self.full_at = 0

    def arm(self, die_at: int | None, full_at: int | None) -> None:
        """Set where to fall, counted from 1; zero counts without falling."""
        self.counting = die_at is not None or full_at is not None
        self.die_at = die_at or 0
        self.full_at = full_at or 0

    def cross(self) -> None:
        """Pass one boundary, or end here."""
        self.passed += 1
        if self.passed == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.passed == self.full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


BOUNDARIES = Boundaries()
cross = BOUNDARIES.cross
