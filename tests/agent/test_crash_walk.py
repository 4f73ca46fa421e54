"""Kill the agent, or fill its disk, at every boundary of a deploy: all old or all new."""

import os

import pytest

from harness.errors import InDoubtError, QuantumError
from tests.agent.test_steps import everything
from tests.agent.worlds import UNIT, tree

#: The walks visit a fifth of the boundaries here, and all in the soak.
STRIDE = 1 if os.environ.get("QUANTUM_SOAK") else 5


def count_boundaries(new_world):
    """Return how many boundaries there are up to the end of the apply, and of the commit."""
    world = new_world()
    session = world.session(die_at=0)
    applied = world.apply(session, everything(world))["boundaries"]
    return applied, session.commit("t1")["boundaries"]


def apply_and_commit(world, session, steps):
    world.apply(session, steps)
    session.commit("t1")


def units(world):
    return world.services.show(UNIT)["environ"]["QUANTUM_UNIT_DIGEST"]


def test_a_kill_at_any_boundary_leaves_all_old_or_all_new_after_one_recovery(new_world):
    applied, committed = count_boundaries(new_world)
    assert applied > 60
    outcomes = []
    # the last ones are the commit's, which make the difference
    for at in sorted({*range(1, committed + 1, STRIDE), *range(applied, committed + 1)}):
        world = new_world()
        steps = everything(world)
        before = tree(world.root)
        session = world.session(die_at=at)
        with pytest.raises(InDoubtError):
            apply_and_commit(world, session, steps)
        assert world.process(session).wait(60) == -9
        again = world.session()
        states = [one["state"] for one in again.hello_said["transactions"]]
        if states == ["committed"]:
            assert units(world) == "new"
            outcomes.append("new")
            assert again.hello_said["unfinished"] == []
            again.rollback()
        elif again.hello_said["unfinished"]:
            outcomes.append("old")
            again.rollback()
            again.rollback("t1")
        assert tree(world.root) == before, f"boundary {at}"
        assert units(world) == "old", f"boundary {at}"
        world.close()
    assert "new" in outcomes
    assert outcomes.count("old") >= applied // STRIDE - 10


def test_a_kill_at_any_boundary_of_the_undo_is_mended_by_the_next_one(new_world):
    world = new_world()
    steps = everything(world)
    before = tree(world.root)
    world.deploy(steps)
    session = world.session(die_at=0)
    total = session.rollback()["boundaries"]
    assert tree(world.root) == before
    assert total > 15
    for at in range(1, total + 1, STRIDE):
        world = new_world()
        steps = everything(world)
        before = tree(world.root)
        world.deploy(steps)
        session = world.session(die_at=at)
        with pytest.raises(InDoubtError):
            session.rollback()
        assert world.process(session).wait(60) == -9
        again = world.session()
        if [one["state"] for one in again.hello_said["transactions"]] != ["rolled_back"]:
            again.rollback()
        assert tree(world.root) == before, f"boundary {at}"
        assert units(world) == "old", f"boundary {at}"
        world.close()


def test_a_disk_that_is_full_at_any_boundary_puts_everything_back(new_world):
    applied, committed = count_boundaries(new_world)
    for at in range(1, applied + 1, STRIDE):
        world = new_world()
        steps = everything(world)
        before = tree(world.root)
        session = world.session(full_at=at)
        with pytest.raises(QuantumError, match="No space left"):
            world.apply(session, steps)
        assert tree(world.root) == before, f"boundary {at}"
        assert units(world) == "old", f"boundary {at}"
        assert world.session().hello_said["lock"] is None
        world.close()
    assert committed > applied
