"""Kill the agent on its way into every system call that changes something: all old or all new.

The boundaries of the crash walk are the ones that the agent's own code names; these are the
kernel's, whoever named them: each write, fsync, chmod, chown, rename, and each word to a unit.
"""

import random

import pytest

from harness.errors import InDoubtError
from tests.agent import tracing
from tests.agent.test_crash_walk import apply_and_commit
from tests.agent.test_steps import everything
from tests.agent.worlds import META, UNIT, tree
from tests.oracles.scale import sized

SEED = 20261121


def digest_that_runs(world):
    return world.services.show(UNIT)["environ"]["QUANTUM_UNIT_DIGEST"]


def chosen(calls, sample):
    """Return the calls to die at: all in the soak, here a seeded few and always the last."""
    count = sized(min(sample, len(calls) - 1), len(calls) - 1)
    some = random.Random(SEED).sample(range(len(calls) - 1), count)
    return [calls[index] for index in (*sorted(some), len(calls) - 1)]


def is_ours(name):
    """Tell a temporary name, which an undo takes away, from a place."""
    return any(part.startswith(".") and part.endswith(".tmp") for part in name.split("/"))


def torn(now, old, new):
    """Return the places that are neither as they were nor as they are to be."""
    return [
        name
        for name, state in now.items()
        if not is_ours(name)
        and not state[0].startswith("0o4")  # a directory changes in place, and is no content
        and state != old.get(name)
        and lasting(name, state) != lasting(name, new.get(name))
    ]


def lasting(name, state):
    """Return of a state what is the same in two deploys: no time, and none in a compiled file."""
    if not state:
        return state
    mode, owner, group, _, content, extra = state
    return mode, owner, group, "" if name.endswith(".pyc") else content, extra


def contents(found):
    return {name: lasting(name, state) for name, state in found.items()}


def one_recovery(world, session, how, steps):
    """Recover in one of the ways there are; those that go on end with all new."""
    if how == "rollback":
        session.rollback()
    else:
        session.recover(meta=META)
    if how == "deploy":
        world.apply(session, steps, "t2")
        session.commit("t2")


def test_a_kill_at_any_system_call_of_a_deploy_leaves_all_old_or_all_new(
    new_world, tmp_path, record_property
):
    log = tmp_path / "log"
    world = new_world()
    session = world.session(through=tracing.watching(log))
    apply_and_commit(world, session, everything(world))
    session.close()
    new, calls = tree(world.root), tracing.from_the_first_change(tracing.changing(log))
    assert len(calls) > 150
    ends, ways = [], ("rollback", "recover", "deploy")
    for number, call in enumerate(chosen(calls, 7)):
        world = new_world()
        steps = everything(world)
        old = tree(world.root)
        session = world.session(through=tracing.killing(log, call))
        with pytest.raises(InDoubtError):
            apply_and_commit(world, session, steps)
        assert world.process(session).wait(60) == -9, call
        assert torn(tree(world.root), old, new) == [], call
        again = world.session()
        assert again.hello_said["lock"] is None, call
        states = [one["state"] for one in again.hello_said["transactions"]]
        ends.append(states[0] if states else "nothing")
        if states == ["committed"]:
            assert contents(tree(world.root)) == contents(new), call
            assert digest_that_runs(world) == "new", call
            again.rollback()
        elif states:
            way = ways[number % len(ways)]
            one_recovery(world, again, way, steps)
            if way == "deploy":
                assert contents(tree(world.root)) == contents(new), call
                assert digest_that_runs(world) == "new", call
                again.rollback()
        assert tree(world.root) == old, call
        assert digest_that_runs(world) == "old", call
        world.close()
    assert ends[-1] == "committed"  # the last call is the answer to the commit
    record_property("seed", SEED)
    record_property("calls", len(calls))
    record_property("kills", len(ends))


def test_a_kill_at_any_system_call_of_an_undo_is_mended_by_the_next_one(
    new_world, tmp_path, record_property
):
    log = tmp_path / "log"
    world = new_world()
    world.deploy(everything(world))
    session = world.session(through=tracing.watching(log))
    session.rollback()
    session.close()
    calls = tracing.from_the_first_change(tracing.changing(log))
    assert len(calls) > 50
    picked = chosen(calls, 3)
    for call in picked:
        world = new_world()
        steps = everything(world)
        old = tree(world.root)
        world.deploy(steps)
        new = tree(world.root)
        session = world.session(through=tracing.killing(log, call))
        with pytest.raises(InDoubtError):
            session.rollback()
        assert world.process(session).wait(60) == -9, call
        assert torn(tree(world.root), old, new) == [], call
        again = world.session()
        if [one["state"] for one in again.hello_said["transactions"]] != ["rolled_back"]:
            again.rollback()
        assert tree(world.root) == old, call
        assert digest_that_runs(world) == "old", call
        world.close()
    record_property("seed", SEED)
    record_property("calls", len(calls))
    record_property("kills", len(picked))
