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

#: The most lines of the past that one question may ask for.
LINES_MOST = 100_000
#: How often one looks whether the laptop has left, in seconds.
LOOK_EVERY_S = 0.25
#: Where the supervisor writes what a unit prints.
FOLDER = "/var/log/journal"


def read(machine: Machine, units: Sequence[str], lines: int, since: str, emit: Emit) -> None:
    """Emit the last `lines` of each unit, oldest first; since: as journalctl takes it."""
    for line in _lines(machine, units, min(lines, LINES_MOST), since, follow=False):
        if line is not None:
            emit(line)


def follow(
    machine: Machine, units: Sequence[str], lines: int, emit: Emit, check: Callable[[], None]
) -> None:
    """Emit lines as they come; ends when `check` raises, since the laptop has left."""
    for line in _lines(machine, units, min(lines, LINES_MOST), "", follow=True):
        check()
        if line is not None:
            emit(line)


def _lines(
    machine: Machine, units: Sequence[str], lines: int, since: str, *, follow: bool
) -> Iterator[Line | None]:
    """Yield lines, and None now and then while there are none."""
    words, read = _command(machine, units, lines, since, follow=follow)
    try:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=ENVIRONMENT, cwd="/", start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise AgentError("refused", f"{words[0]} is not on this host") from None
    assert process.stdout is not None
    held = b""
    try:
        while True:
            ready, _, _ = select.select([process.stdout], [], [], LOOK_EVERY_S)
            if not ready:
                yield None
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                break
            whole, _, held = (held + data).rpartition(b"\n")
            for each in whole.split(b"\n"):
                line = read(each)
                if line is not None:
                    yield line
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def _command(
    machine: Machine, units: Sequence[str], lines: int, since: str, *, follow: bool
) -> tuple[tuple[str, ...], Callable[[bytes], Line | None]]:
    if machine.services.name == "systemd":
        words: tuple[str, ...] = ("journalctl", "--no-pager", "--output=json", f"--lines={lines}")
        words += tuple(f"--unit={name}" for name in units)
        words += (f"--since={since}",) if since else ()
        return words + (("--follow",) if follow else ()), _of_journal
    if since:
        raise AgentError("request", "the sandbox keeps no times; ask without --since")
    paths = [machine.at(f"{FOLDER}/{name}.log") for name in units]
    there = [path for path in paths if os.path.exists(path)]
    # names before lines, as tail writes them where there are several files
    words = ("tail", "-v", f"--lines={lines}", *(("--follow=name",) if follow else ()), "--")
    return (*words, *(there or ["/dev/null"])), _OfFiles()


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
        self._unit = ""

    def __call__(self, text: bytes) -> Line | None:
        if text.startswith(b"==> ") and text.endswith(b" <=="):
            path = text[4:-4].decode("utf-8", "replace")
            self._unit = os.path.basename(path)[: -len(".log")]
            return None
        if not text:
            return None
        return {
            "event": "log",
            "unit": self._unit,
            "at_us": 0,
            "text": text.decode("utf-8", "replace"),
        }
