"""Run a program as a process of its own and see from outside how it does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.failing import CannotMeasureError
from bench.servers import Server

ROOT = Path(__file__).resolve().parent.parent
PYTHON = (sys.executable,)
#: How often one looks how far it is, in seconds: rare enough not to be felt.
LOOK_EVERY_S = 0.01
STARTS_WITHIN_S, STOPS_WITHIN_S = 20.0, 15.0
#: What would configure a consumer from outside.
FOREIGN = ("REDIS_", "QUANTUM_", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_", "CONSUMER_")


class Pace(NamedTuple):
    """How fast it went between the first time it had done some and the end."""

    per_s: float
    cpu_us: float  #: processor time of the program for each entry, in microseconds


class Memory(NamedTuple):
    """Resident memory of a process, in MB (2^20)."""

    now_mb: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Program:
    """A running process."""

    process: subprocess.Popen[bytes]
    log: Path

    def pace(self, done: Callable[[], int], wanted: int, within_s: float) -> Pace:
        """Wait until `done` says `wanted`; return how fast that went.

        The clock runs from the first look at which some were done, and what was done by then does
        not count: starting up is not measured. Raises CannotMeasureError where it never comes.
        """
        give_up_at = time.monotonic() + within_s
        first = started_s = cpu_s = 0.0
        while True:
            so_far, at_s = done(), time.monotonic()
            if so_far and not first:
                first, started_s, cpu_s = so_far, at_s, self.cpu_s()
            if so_far >= wanted:
                break
            if at_s > give_up_at or self.process.poll() is not None:
                raise CannotMeasureError(f"only {so_far} of {wanted}: {self.last_words()}")
            time.sleep(LOOK_EVERY_S)
        if first >= wanted:
            raise CannotMeasureError(f"{wanted} were done at one go: too few to measure")
        many = wanted - first
        return Pace(many / (at_s - started_s), 1e6 * (self.cpu_s() - cpu_s) / many)

    def wait(self, look: Callable[[], bool]) -> None:
        """Wait until `look` says yes; raises CannotMeasureError where it does not."""
        give_up_at = time.monotonic() + STARTS_WITHIN_S
        while not look():
            if time.monotonic() > give_up_at or self.process.poll() is not None:
                raise CannotMeasureError(f"it did not start to work: {self.last_words()}")
            time.sleep(LOOK_EVERY_S)

    def cpu_s(self) -> float:
        """Return how long processors worked for it so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> Memory:
        """Return its resident memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        words = dict(line.split(":", 1) for line in lines)
        return Memory(*(int(words[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")))

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"


def at(server: Server) -> dict[str, str]:
    """Return the settings with which a consumer finds a server."""
    return {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(server.port),
        "CONSUMER_NAME": "bench",
    }


@contextlib.contextmanager
def running(words: Sequence[str], settings: Mapping[str, str]) -> Iterator[Program]:
    """Run a program while the block runs; it is then asked to stop, and made to if it does not."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    with tempfile.TemporaryDirectory(prefix="quantum-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                words, env={**environ, **settings, "PYTHONPATH": str(ROOT)}, cwd=ROOT,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            yield Program(process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
