"""Read what units have logged: the journal, or the files of the sandbox's supervisor."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .failing import AgentError
from .machine import Machine
from .processes import ENVIRONMENT

Line = dict[str, Any]
Emit = Callable[[Line], None]
Read = Callable[[bytes], "Line | None"]

#: The most lines of the past that one question may ask for.
LINES_MOST = 100_000
#: How often one looks whether the laptop has left, in seconds.
LOOK_EVERY_S = 0.25
#: Where the supervisor writes what a unit prints.
FOLDER = "/var/log/journal"
#: --all: a long line is not left out
JOURNALCTL = ("journalctl", "--no-pager", "--quiet", "--all", "--output=json",
              "--output-fields=MESSAGE,_SYSTEMD_UNIT,UNIT")  # fmt: skip


def read(machine: Machine, units: Sequence[str], lines: int, since: str, emit: Emit) -> None:
    """Emit the last `lines` of each unit, oldest first; since: as journalctl takes it."""
    for unit in units:  # one by one: journalctl counts the lines of all together
        for line in _lines(machine, [unit], min(lines, LINES_MOST), since, follow=False):
            if line is not None:
                emit(line)


def follow(
    machine: Machine, units: Sequence[str], lines: int, since: str, emit: Emit,
    check: Callable[[], None],
) -> None:  # fmt: skip
    """Emit lines as they come; ends when `check` raises, since the laptop has left."""
    for line in _lines(machine, units, min(lines, LINES_MOST), since, follow=True):
        check()
        if line is not None:
            emit(line)


def _lines(
    machine: Machine, units: Sequence[str], lines: int, since: str, *, follow: bool
) -> Iterator[Line | None]:
    """Yield lines, and None now and then while there are none; raises AgentError in the end."""
    import tempfile

    words, understand = _command(machine, units, lines, since, follow=follow)
    if not words:
        return
    with tempfile.TemporaryFile() as said, _running(words, said) as process:
        assert process.stdout is not None
        held = b""
        while True:
            ready, _, _ = select.select([process.stdout], [], [], LOOK_EVERY_S)
            if not ready:
                yield None
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                break
            whole, _, held = (held + data).rpartition(b"\n")
            yield from filter(None, map(understand, whole.split(b"\n")))
        if process.wait():
            said.seek(0)
            told = said.read(4096).decode("utf-8", "replace").strip().splitlines()
            raise AgentError("refused", told[-1] if told else f"{words[0]} failed")


@contextlib.contextmanager
def _running(words: Sequence[str], said: Any) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said,
            env=ENVIRONMENT, cwd="/", start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise AgentError("refused", f"{words[0]} is not on this host") from None
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _command(
    machine: Machine, units: Sequence[str], lines: int, since: str, *, follow: bool
) -> tuple[tuple[str, ...], Read]:
    """Return the words that show the lines, none where there is nothing, and who reads them."""
    if machine.services.name == "systemd":
        words = (*JOURNALCTL, f"--lines={lines}", *(f"--unit={name}" for name in units))
        words += (f"--since={since}",) if since else ()
        return words + (("--follow",) if follow else ()), _of_journal
    if since:
        raise AgentError("request", "the sandbox looks up no times", action="ask without --since")
    paths = [machine.at(f"{FOLDER}/{name}.log") for name in units]
    paths = [path for path in paths if follow or os.path.exists(path)]
    # -v: the file's name before its lines, as tail writes it where there are several
    words = ("tail", "-v", "-n", str(lines), *(("-F",) if follow else ()), "--", *paths)
    return words if paths else (), _OfFiles()


def _of_journal(text: bytes) -> Line | None:
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    said = entry.get("MESSAGE")
    if isinstance(said, list):  # bytes that are no text
        said = bytes(said).decode("utf-8", "replace")
    return {
        "event": "log",
        "unit": entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or "",
        "at_us": int(entry.get("__REALTIME_TIMESTAMP", 0)),
        "text": said or "",
    }


class _OfFiles:
    """Reads tail's output, which names the file before its lines."""

    def __init__(self) -> None:
        self._unit, self._at_us = "", 0

    def __call__(self, text: bytes) -> Line | None:
        if text.startswith(b"==> ") and text.endswith(b" <=="):
            path = text[4:-4].decode("utf-8", "replace")
            self._unit, self._at_us = os.path.basename(path)[: -len(".log")], 0
            return None
        if not text:
            return None
        # a line that tells no time belongs to the one before it
        self._at_us = _told_us(text) or self._at_us
        said = text.decode("utf-8", "replace")
        return {"event": "log", "unit": self._unit, "at_us": self._at_us, "text": said}


def _told_us(text: bytes) -> int:
    """Return when a line of JSON says that it was logged, 0 where it does not."""
    from datetime import datetime

    try:
        at = datetime.strptime(json.loads(text)["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
    return int(at.timestamp() * 1e6)
