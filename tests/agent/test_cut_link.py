"""Cut the link in every frame, either way: all old or all new, and the laptop says what is so."""

import random

import pytest

from harness.errors import InDoubtError, UnreachableError
from tests.agent.cutting import BEFORE, TO_HOST, TO_LAPTOP, WITHIN, Cut, Line, connect
from tests.agent.test_steps import everything
from tests.agent.test_syscall_walk import contents, digest_that_runs
from tests.agent.worlds import META, tree
from tests.oracles.scale import sized

SEED = 20261121
#: Frames that ask for nothing that changes a host: the agent itself, hello, observe; their replies.
ONLY_LOOKING = {TO_HOST: 3, TO_LAPTOP: 2}


def deploy(world, line, steps, tx="t1"):
    """Do the whole motion over a line; returns how the agent ended, raises what the laptop says."""
    session, process = connect(line, world.events.append)
    try:
        world.greet(session)
        world.apply(session, steps, tx)
        return session.commit(tx)["state"]
    finally:
        session.close()
        status = process.wait(60)
        line.free()
        assert status in {0, 70}, "the agent did not end in order"


def cuts(frames):
    """Return where to cut: everywhere in the soak, here in a seeded few and where most hangs on."""
    apply, body, commit = 4, 6, frames[TO_HOST]
    telling = [
        Cut(TO_HOST, apply, WITHIN),
        Cut(TO_HOST, body, WITHIN),
        Cut(TO_HOST, commit, WITHIN),
        Cut(TO_LAPTOP, frames[TO_LAPTOP] - 1, BEFORE),
        Cut(TO_LAPTOP, frames[TO_LAPTOP], BEFORE),
    ]
    all_of_them = [
        Cut(way, frame, where)
        for way, count in frames.items()
        for frame in range(1, count + 1)
        for where in (BEFORE, WITHIN)
    ]
    others = [cut for cut in all_of_them if cut not in telling]
    return telling + random.Random(SEED).sample(others, sized(2, len(others)))


def test_a_link_cut_in_any_frame_leaves_all_old_or_all_new_and_is_told_so(
    new_world, record_property
):
    world = new_world()
    line, steps = Line(), everything(world)
    assert deploy(world, line, steps) == "committed"
    new = tree(world.root)
    # the agent, hello, observe, apply, five contents (and what each is), commit
    assert line.frames[TO_HOST] >= 12
    # hello, observe, a word for each step, applied, committed
    assert line.frames[TO_LAPTOP] == len(steps) + 4
    picked = cuts(line.frames)
    for cut in picked:
        world = new_world()
        steps = everything(world)
        old = tree(world.root)
        with pytest.raises((InDoubtError, UnreachableError)) as told:
            deploy(world, Line(cut), steps)
        looking = cut.frame <= ONLY_LOOKING[cut.way]
        assert isinstance(told.value, UnreachableError if looking else InDoubtError), cut
        # nobody came to recover anything: the agent has put back what it was not told to keep
        kept = (cut.way, cut.frame) == (TO_LAPTOP, line.frames[TO_LAPTOP])
        if kept:
            assert contents(tree(world.root)) == contents(new), cut
        else:
            assert tree(world.root) == old, cut
        assert digest_that_runs(world) == ("new" if kept else "old"), cut
        again = world.session()
        assert (again.hello_said["lock"], again.hello_said["unfinished"]) == (None, []), cut
        states = [one["state"] for one in again.hello_said["transactions"]]
        assert states in ([["committed"]] if kept else [[], ["rolled_back"]]), cut
        if kept:  # asked again, it says that it has kept it: the doubt is settled
            assert again.commit("t1")["state"] == "committed"
        else:
            again.recover(meta=META)
            world.apply(again, steps, "t2")
            again.commit("t2")
            assert contents(tree(world.root)) == contents(new), cut
        again.rollback()
        assert tree(world.root) == old, cut
        world.close()
    record_property("seed", SEED)
    record_property("frames", sum(line.frames.values()))
    record_property("cuts", len(picked))
