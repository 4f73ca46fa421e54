"""Say before hosts are told to keep a change, or to put one back, that this is about to happen.

A record is written once all hosts have answered; a laptop that dies before would leave some of them
changed, and a ledger that knows of nothing. So a file beside the records says it first, locked for
as long as its process lives. What stands in a file that nobody holds any more is recorded in doubt
by whoever comes next; one that is torn was never acted upon.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Self

from harness.errors import LedgerError
from harness.ledger.durable import sync_folder
from harness.ledger.records import Record

PREFIX = ".announced-"
#: What there is of a record before anybody knows how it ends: no claims, subjects or evidence.
_TOLD = ("kind", "inventory", "mode", "operator", "hosts", "outcome", "predicate", "id")


class Announcement:
    """One that holds; `over` once its record is written. As a context it is let go in the end."""

    def __init__(self, root: Path, record: Record) -> None:
        """Write it down for good; raises LedgerError."""
        self.id = record.id
        self._path = root / f"{PREFIX}{record.id}"
        told = {name: value for name, value in asdict(record).items() if name in _TOLD}
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._held = _taken(self._path)
            os.write(self._held, json.dumps(told, sort_keys=True).encode())
            os.fsync(self._held)
            sync_folder(root)
        except OSError as error:
            raise LedgerError(
                f"nothing can be written below {root}: {error.strerror or error}", step="record",
                action="make room or mend the permissions, then run the command again",
            ) from error  # fmt: skip

    def over(self) -> None:
        """Take it away: the record says how it ended."""
        self._path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Leave it, if there still is one, to whoever comes next; twice is fine."""
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()


def _taken(path: Path) -> int:
    """Return a new file, locked; another one may have taken it for a dead one's in between."""
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        if os.fstat(held).st_nlink:
            return held
        os.close(held)


@contextlib.contextmanager
def abandoned(path: Path) -> Iterator[Record | None]:
    """Yield what a dead process announced, None where it lives or never came to act; then remove.

    Whoever fails inside leaves it for the next one.
    """
    try:
        held = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        yield None
        return
    try:
        yield _read(path) if os.fstat(held).st_nlink else None
        path.unlink(missing_ok=True)
    finally:
        os.close(held)


def _read(path: Path) -> Record | None:
    try:
        told = json.loads(path.read_bytes())
        return Record(**{**told, "hosts": tuple(told["hosts"])})
    except (ValueError, TypeError, KeyError):
        return None
