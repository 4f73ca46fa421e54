"""A home, and a port that says nothing."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from harness.links import ssh, ssh_config
from harness.links.trying_again import Means
from tests.links.homes import Home


@pytest.fixture
def home(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="qo-home-"))  # a socket's path must be short
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(ssh_config, "FILES", (Path("~/.ssh/config"), folder / "etc" / "ssh_config"))
    # pauses of no length: the jitter is tested in tests/fleets
    monkeypatch.setattr(ssh, "MEANS", Means(ssh.MEANS.clock, lambda: 0.0, lambda _: None))
    made = Home(folder)
    yield made
    made.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def blackhole():
    """A port that lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]
