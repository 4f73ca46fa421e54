"""A sandbox of one's own for tests that type what a person types."""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import starting

PROJECT = Path(__file__).resolve().parent.parent.parent
INVOKE = [sys.executable, "-m", "invoke"]

INVENTORY = """\
all:
  vars:
    mode: sandbox
    redis_host: 127.0.0.1
    redis_port: {port}
    redis_password: file:{folder}/redis_password
    redis_acl: true
    snapshot_interval_s: 1
    records: {folder}/records
  children:
    everything:
      vars:
        roles: [redis_server, decision_intelligence, strategy_router, execution]
      hosts:
        box:
          ansible_connection: local
          sandbox_root: {folder}/root
"""


@dataclass(frozen=True)
class Person:
    """Types commands against one inventory file."""

    inventory: Path
    project: Path = PROJECT

    def types(self, *words: str, code: int | None = 0, env: dict | None = None):
        done = starting.run(
            ["invoke", words[0], "-i", str(self.inventory), *words[1:]],
            {**os.environ, **(env or {})},
            self.project,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        if code is not None:
            assert done.returncode == code, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    def asks(self, *words: str, code: int | None = 0) -> dict:
        return json.loads(self.types(*words, "--json", code=code).stdout)

    @property
    def folder(self) -> Path:
        return self.inventory.parent

    @property
    def root(self) -> Path:
        return self.folder / "root"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def person(tmp_path: Path):
    password = tmp_path / "redis_password"
    password.touch(mode=0o600)
    password.write_text("correct-horse-battery")
    inventory = tmp_path / "box.yml"
    inventory.write_text(INVENTORY.format(port=free_port(), folder=tmp_path))
    yield Person(inventory)
    from harness.inventory import load
    from harness.sandbox.host import shut_down

    for host in load(str(inventory)).hosts:
        shut_down(host)


@pytest.fixture
def two_roles(person):
    """A person whose host has Redis and the analytics alone: half as much to start and to prove."""
    text = person.inventory.read_text()
    person.inventory.write_text(text.replace(", strategy_router, execution]", "]"))
    return person
