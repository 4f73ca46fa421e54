"""What an injection of the laptop's is, whatever it is done to."""

from __future__ import annotations

from typing import Protocol


class Act(Protocol):
    """One injection of the laptop's."""

    def inject(self) -> str:
        """Make it so; returns what was done, for people."""

    def observed(self) -> str:
        """Return what is seen of it, "" while nothing is."""

    def undo(self) -> None:
        """Make it as before; twice is fine."""

    def gone(self) -> str:
        """Return what shows that it is over, "" while it is not."""
