"""One step of a plan: what the agent is told to do, and what people see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the host; `words` is what the agent is told, `lines` what people see."""

    do: str
    what: str
    words: Mapping[str, Any]
    lines: tuple[str, ...] = ()
    verb: str = "change"  #: create, adopt, change, remove, install, stop, restart, reload

    def summary(self) -> str:
        """Return one line for a plan or a progress display."""
        return f"{self.verb} {self.what}"
