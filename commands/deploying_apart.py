"""Deploys as processes of their own, which can be killed as a laptop can."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from fault_injection.deploys.endings import Ending, ended
from harness.inventory.inventory import Inventory

#: No deploy takes longer; it is then told to unwind, and killed if it does not, in seconds.
WITHIN_S, UNWINDS_WITHIN_S = 1800.0, 120.0


class Deploying:
    """An `invoke deploy` under way."""

    def __init__(self, project: Path, inventory: Inventory, limit: str = "") -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process's end
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "invoke", *_words(inventory, limit)], cwd=project,
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    @property
    def lasted_s(self) -> float:
        """Return how long it has been going on."""
        return time.monotonic() - self._began

    def kill_after(self, seconds: float) -> None:
        """Kill all that it is on this laptop, unless it ends before."""
        if self._ends_within(seconds - self.lasted_s) is None:
            self._signal(signal.SIGKILL)

    def wait(self) -> Ending:
        """Return how it ended."""
        code = self._ends_within(WITHIN_S)
        for how, within_s in ((signal.SIGTERM, UNWINDS_WITHIN_S), (signal.SIGKILL, None)):
            if code is None:
                self._signal(how)
                code = self._ends_within(within_s)
        with self._said:
            self._said.seek(0)
            return ended(code or 0, self._said.read().decode(errors="replace"))

    def _ends_within(self, seconds: float | None) -> int | None:
        try:
            return self._process.wait(None if seconds is None else max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return None

    def _signal(self, what: signal.Signals) -> None:
        # not yet waited for, so the number is still its own
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, what)


def _words(inventory: Inventory, limit: str) -> Sequence[str]:
    """Return what to type for this inventory, from any copy of the project."""
    path = inventory.path.resolve()
    own = path.parent == Path(__file__).resolve().parents[1] / "inventory"
    words = ["deploy", "-i", path.stem if own else str(path), "--yes", "--json"]
    return [*words, "--limit", limit] if limit else words
