"""Write a history as it happens: each happening is in the file before the call returns."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fault_injection.history.happenings import Closing, Fault, Happening, Opening, Resumed
from fault_injection.history.lines import encoded
from fault_injection.history.reading import History, read
from harness.errors import HistoryError

#: wall and monotonic time, in ns
Clock = Callable[[], tuple[int, int]]

#: These are on the disk before the call returns: what was done to whom outlives a power cut.
DURABLE = (Opening, Fault, Resumed, Closing)


def now() -> tuple[int, int]:
    """Return this machine's time."""
    return time.time_ns(), time.monotonic_ns()


class Writer:
    """The one who writes a history; threads may share it.

    All that goes wrong raises HistoryError. After a line that could not be written whole, nothing
    more is written: the history ends there, and whoever reads it sees that.
    """

    def __init__(self, path: Path, opened: int, lines: int, clock: Clock) -> None:
        self.path = path
        self._opened = opened
        self._lines = lines
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._broken = False

    @classmethod
    def begin(cls, path: Path, opening: Opening, clock: Clock = now) -> Writer:
        """Start a history where none is yet."""
        writer = cls(path, _opened(path, os.O_CREAT | os.O_EXCL), 0, clock)
        writer.write(opening)
        return writer

    @classmethod
    def resume(cls, path: Path, said: str = "", clock: Clock = now) -> Writer:
        """Go on with the history of a harness that died; what it tore stays and is told."""
        opened = _opened(path, 0)
        try:
            history = _unfinished(path)
            writer = cls(path, opened, len(history.happenings), clock)
            writer._write((Resumed(torn=history.torn, said=said),), b"\n" if history.torn else b"")
        except BaseException:
            os.close(opened)
            raise
        return writer

    def write(self, *happenings: Happening) -> None:
        """Append happenings; they stand in the file when this returns."""
        self._write(happenings)

    def _write(self, happenings: Sequence[Happening], end_of_torn: bytes = b"") -> None:
        with self._one_at_a_time:
            wall_ns, mono_ns = self._clock()
            lines = b"".join(
                encoded(each, n, wall_ns, mono_ns) for n, each in enumerate(happenings, self._lines)
            )
            durable = any(isinstance(each, DURABLE) for each in happenings)
            self._append(end_of_torn + lines, durable=durable)
            self._lines += len(happenings)

    def close(self, said: str = "") -> None:
        """Write the last line."""
        self.write(Closing(said=said))
        self.let_go()

    def let_go(self) -> None:
        """Close the file as it stands, without a last line."""
        if self._opened >= 0:
            os.close(self._opened)
            self._opened, self._broken = -1, True

    def _append(self, data: bytes, *, durable: bool) -> None:
        if self._broken:
            raise HistoryError(f"{self.path} is no longer written", action="invoke faults.heal")
        try:
            while data:
                data = data[os.write(self._opened, data) :]
            if durable:
                os.fsync(self._opened)
        except OSError as error:
            self._broken = True
            raise HistoryError(
                f"{self.path}: {error.strerror}", action="make room, then invoke faults.heal"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave a history that was not closed without its last line: it did not come to its end."""
        self.let_go()


def _unfinished(path: Path) -> History:
    history = read(path)
    if history.damage or history.opening is None or history.closed:
        why = "it is closed" if history.closed else "it is damaged"
        raise HistoryError(f"{path} cannot be resumed: {why}", action="start a new run")
    return history


def _opened(path: Path, how: int) -> int:
    try:
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | how, 0o600)
    except OSError as error:
        raise HistoryError(
            f"{path}: {error.strerror}", action="name another file, or resume this run"
        ) from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(opened)
        raise HistoryError(f"{path} is being written by another process") from error
    return opened
