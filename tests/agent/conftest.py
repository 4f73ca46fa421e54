"""A host in a directory for every test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.worlds import World


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
