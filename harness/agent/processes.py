"""Run a program of the host under a deadline, giving up early when there is a reason to."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

#: What a shell calls a program that is not there.
NOT_FOUND = 127
#: How often a running program is looked at, in seconds.
LOOK_EVERY_S = 0.25
#: Programs of the host answer in plain English and find each other, whatever sudo passed on.
ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "DEBIAN_FRONTEND": "noninteractive",
    "SYSTEMD_PAGER": "",
    "HOME": "/",
}


class Ended:
    """How a program ended; `code` is None when its deadline passed."""

    __slots__ = ("code", "error", "output")

    def __init__(self, code: int | None, output: str, error: str) -> None:
        self.code, self.output, self.error = code, output, error

    @property
    def last_line(self) -> str:
        """Return the line that most likely tells why."""
        lines = [line.strip() for line in (self.error or self.output).splitlines() if line.strip()]
        return lines[-1] if lines else ""


def run(words: Sequence[str], within_s: float, check: Callable[[], None] = lambda: None) -> Ended:
    """Run a program to its end or its deadline; `check` may raise to abandon it.

    A program that is not there ends with 127. Its output goes to files, so that a child it
    leaves behind cannot hold this up.
    """
    with _kept() as output, _kept() as error:
        try:
            process = subprocess.Popen(
                list(words), stdin=subprocess.DEVNULL, stdout=output, stderr=error,
                env=ENVIRONMENT, cwd="/", start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            return Ended(NOT_FOUND, "", f"{words[0]}: not found")
        try:
            code = _wait(process, time.monotonic() + within_s, check)
        except BaseException:
            _end(process)
            raise
        if code is None:
            _end(process)
        texts = []
        for file in (output, error):
            file.seek(0)
            texts.append(file.read(1 << 22).decode(errors="replace"))
        return Ended(code, *texts)


def _kept() -> IO[bytes]:
    """Return a file without a name, in memory where there is such: who only looks writes nothing.

    Besides, a host is to say hello with a full disk.
    """
    try:
        return os.fdopen(os.memfd_create("output"), "w+b")
    except (AttributeError, OSError):  # macOS
        import tempfile

        return tempfile.TemporaryFile()


def _wait(
    process: subprocess.Popen[bytes], deadline: float, check: Callable[[], None]
) -> int | None:
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(min(left, LOOK_EVERY_S))
        check()


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
