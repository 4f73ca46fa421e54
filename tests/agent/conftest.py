"""A host in a directory for every test."""

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import channel
from tests.agent.grounds import Ground
from tests.agent.worlds import World
from tests.needing import not_tested


@pytest.fixture
def new_world() -> Iterator[Callable[[], World]]:
    made = []

    def make(root: Path | None = None) -> World:
        scratch = Path(tempfile.mkdtemp(prefix="qo-"))
        world = World(root or scratch / "root", scratch)
        made.append((world, scratch))
        return world

    yield make
    for world, scratch in made:
        world.close()
        shutil.rmtree(scratch, ignore_errors=True)


@pytest.fixture
def world(new_world) -> World:
    return new_world()


@pytest.fixture
def another_agent(monkeypatch):
    """A function: agents that start from now on have more words at the end of a source."""

    def change(name, words):
        memory = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(channel.agent_archive())) as old,
            zipfile.ZipFile(memory, "w") as new,
        ):
            for each in old.namelist():
                if each == f"agent/{name}c":
                    continue  # else that would be what runs
                more = words.encode() if each == f"agent/{name}" else b""
                new.writestr(each, old.read(each) + more)
        monkeypatch.setattr(channel, "agent_archive", memory.getvalue)

    return change


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A host that may be broken, with namespaces of its own; that takes root."""
    if os.getuid() != 0:
        not_tested("faults on packets and mounts need root")
    scratch = Path(tempfile.mkdtemp(prefix="qo-"))
    made = Ground(scratch)
    yield made
    made.close()
    shutil.rmtree(scratch)
