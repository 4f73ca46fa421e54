"""A run's folder: what was planned, what happened, and what was made of it, a file each."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fault_injection.schedules.schedule import Schedule, decode, encode
from harness.errors import ConfigurationError, HistoryError

SCHEDULE, HISTORY, STOOD = "schedule.json", "history.jsonl", "stood.json"
JUDGEMENT, REPORT, STOP = "judgement.json", "report.html", "stop"


@dataclass(frozen=True, slots=True)
class Folder:
    """One run's files, below the inventory's records."""

    path: Path

    @property
    def id(self) -> str:
        """Return the run's name."""
        return self.path.name

    @property
    def history(self) -> Path:
        """Return where the happenings are."""
        return self.path / HISTORY

    @property
    def report(self) -> Path:
        """Return the page for people."""
        return self.path / REPORT

    @property
    def stop(self) -> Path:
        """Return the file that ends the run when somebody makes it."""
        return self.path / STOP

    def schedule(self) -> Schedule:
        """Return what was planned; raises ConfigurationError."""
        return decode(self._read(SCHEDULE))

    def stood(self) -> Mapping[str, Any] | None:
        """Return how everything stood before the run, None where it did not come so far."""
        return self._loaded(STOOD)

    def judgement(self) -> Mapping[str, Any] | None:
        """Return what was made of it, None where nobody has judged it."""
        return self._loaded(JUDGEMENT)

    def keep(self, name: str, document: Mapping[str, Any] | bytes) -> None:
        """Put a file in place, whole or not at all."""
        said = document if isinstance(document, bytes) else json.dumps(document).encode()
        unready = self.path / f".{name}.new"
        try:
            with unready.open("wb") as file:
                file.write(said)
                file.flush()
                os.fsync(file.fileno())
            unready.rename(self.path / name)
        except OSError as error:
            raise HistoryError(
                f"{self.path / name}: {error.strerror}", action="make room, then resume the run"
            ) from error

    def _loaded(self, name: str) -> Mapping[str, Any] | None:
        if not (self.path / name).exists():
            return None
        try:
            said: Mapping[str, Any] = json.loads(self._read(name))
        except ValueError as error:
            raise HistoryError(f"{self.path / name} cannot be read: {error}") from error
        return said

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise HistoryError(f"{self.path / name}: {error.strerror}") from error


def below(records: Path) -> Path:
    """Return the folder of all runs."""
    return records / "faults"


def begin(records: Path, schedule: Schedule) -> Folder:
    """Make the folder of a new run, with its schedule in it; raises HistoryError."""
    name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(3)}"
    folder = Folder(below(records) / name)
    try:
        folder.path.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise HistoryError(f"{folder.path}: {error.strerror}", action="make room") from error
    folder.keep(SCHEDULE, encode(schedule))
    return folder


def find(records: Path, name: str) -> Folder:
    """Return the run of that name, or of a beginning that only one has; "" is the newest.

    Raises ConfigurationError.
    """
    found = [each for each in runs(records) if each.id.startswith(name)]
    if found and (not name or len(found) == 1 or found[-1].id == name):
        return found[-1]
    last = ", ".join(each.id for each in runs(records)[-3:]) or "there are none"
    raise ConfigurationError(
        f"{'several runs begin' if found else 'no run begins'} with {name!r}", step="run",
        action=f"name one by --id; the last: {last}",
    )  # fmt: skip


def runs(records: Path) -> list[Folder]:
    """Return all runs that have a schedule, oldest first."""
    return sorted(_runs(below(records)), key=lambda each: each.id)


def _runs(path: Path) -> Iterator[Folder]:
    if path.is_dir():
        yield from (Folder(each) for each in path.iterdir() if (each / SCHEDULE).is_file())
