"""What a rehearsal has to put back: a note beside the records, under a lock of its process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from commands.choosing import Chosen
from harness.errors import LockedError

#: Below the records, where a run's own folder is as well.
FOLDER = "faults"


@dataclass(frozen=True, slots=True)
class Left:
    """What a rehearsal has to put back."""

    #: host -> its last committed deploy before, "" where there was none
    before: Mapping[str, str]
    exchange_url: str = ""


class Note:
    """The note of one inventory; empty where nothing is to be put back."""

    def __init__(self, path: Path, opened: int) -> None:
        self._path, self._opened = path, opened

    def read(self) -> Left | None:
        """Return what it says; None also for a torn one: it is whole before anything changes."""
        text = self._path.read_text(encoding="utf-8", errors="replace")
        if not text:
            return None
        try:
            said = json.loads(text)
            return Left(dict(said["before"]), str(said["exchange_url"]))
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, left: Left) -> None:
        """Say what has to be put back, durably."""
        self._set({"before": dict(left.before), "exchange_url": left.exchange_url})

    def clear(self) -> None:
        """Say that nothing has to be put back."""
        self._set(None)

    def _set(self, said: object) -> None:
        os.ftruncate(self._opened, 0)
        if said is not None:
            os.pwrite(self._opened, json.dumps(said).encode(), 0)
        os.fsync(self._opened)


def left(chosen: Chosen) -> Left | None:
    """Return what a run has to put back, also one that still goes on; None where there is none."""
    path = _path(chosen)
    return Note(path, -1).read() if path.exists() else None


@contextlib.contextmanager
def held(chosen: Chosen) -> Iterator[Note]:
    """Hold the note of this inventory; raises LockedError while another run does."""
    path = _path(chosen)
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"another run rehearses on the inventory {chosen.inventory.name}", step="rehearsal",
                action="wait for its end",
            ) from None  # fmt: skip
        yield Note(path, opened)
    finally:
        os.close(opened)


def _path(chosen: Chosen) -> Path:
    return chosen.inventory.records / FOLDER / f"rehearsal-{chosen.inventory.name}.json"
