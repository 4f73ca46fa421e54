"""A real file system on a disk, where the other tests' hosts may be in memory."""

import shutil
import tempfile
from pathlib import Path

import pytest

from harness.errors import InDoubtError
from tests.agent.test_steps import everything
from tests.agent.worlds import UNIT, World, tree

#: Where what is temporary outlives a boot.
ON_DISK = Path("/var/tmp")


@pytest.fixture
def world():
    scratch = Path(tempfile.mkdtemp(prefix="qo-", dir=ON_DISK))
    made = World(scratch / "root", scratch)
    yield made
    made.close()
    shutil.rmtree(scratch)


def test_everything_is_deployed_and_rolled_back_to_the_byte(world):
    steps = everything(world)
    before = tree(world.root)
    world.deploy(steps)
    assert tree(world.root) != before
    assert world.services.show(UNIT)["environ"]["QUANTUM_UNIT_DIGEST"] == "new"
    world.session().rollback()
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"]["QUANTUM_UNIT_DIGEST"] == "old"


def test_a_kill_amid_a_deploy_is_recovered(world):
    steps = everything(world)
    before = tree(world.root)
    session = world.session(die_at=40)
    with pytest.raises(InDoubtError):
        world.apply(session, steps)
    assert world.process(session).wait(60) == -9
    assert tree(world.root) != before
    world.session().rollback()
    assert tree(world.root) == before
