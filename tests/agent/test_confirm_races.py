"""A confirm against the switch that goes off: one wins, and what is answered is what holds."""

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time

import pytest

from harness.errors import InDoubtError, QuantumError
from tests.agent.test_switch import TOKEN, armed, expire, kill, state, switch_file
from tests.agent.worlds import STORE, file, tree
from tests.waiting import until

#: Cases in all and for each test: a sample here, the full count in the soak.
CASES, PER_TEST = (1000, 50) if os.environ.get("QUANTUM_SOAK") else (15, 5)
#: Both start within so short a time that either may be first, in seconds.
APART_S = 0.03
FINAL = ("committed", "rolled_back")


def going_off_in(world, tx, seconds):
    """Start what a timer would start, waiting for a moment soon; returns the process."""
    path = switch_file(world, tx)
    said = json.loads(path.read_text())
    # our own process in the place of the one that was armed: that one finds nothing left
    path.write_text(json.dumps(said | {"until_s": time.monotonic() + seconds}))
    folder = str(path.parent)
    words = [sys.executable, "-I", "-S", f"{folder}/agent.pyz", "expire", folder]
    return subprocess.Popen(words)


@pytest.mark.parametrize("part", range(CASES // PER_TEST))
def test_one_of_confirm_and_expiry_wins_and_the_answer_is_the_hosts_state(
    world, part, record_property
):
    chance = random.Random(f"confirm {part}")
    winners = []
    confirming = world.session()
    for number in range(PER_TEST):
        tx = f"t{number}"
        before = tree(world.root)
        session = world.session()
        world.apply(session, [file("/etc/a", f"{number}\n")], tx, switch=armed())
        after = tree(world.root)
        if chance.random() < 0.3:
            kill(world, session)
        # what the interpreter takes to start is learnt from nobody: spread over it
        with going_off_in(world, tx, 0.3) as switch:
            moment = json.loads(switch_file(world, tx).read_text())["until_s"]
            pause = moment + chance.uniform(-APART_S, APART_S) - time.monotonic()
            threading.Event().wait(max(0.0, pause))
            answer = confirming.confirm(tx, TOKEN)["state"]
            assert switch.wait(60) == 0
        assert answer in ("committed", "undoing", "rolled_back")
        end = until(lambda tx=tx: state(world, tx) in FINAL and state(world, tx))
        assert (answer == "committed") == (end == "committed")
        assert tree(world.root) == (after if end == "committed" else before)
        assert confirming.confirm(tx, TOKEN)["state"] == end
        if session.hello_said and world.process(session).poll() is None:
            with contextlib.suppress(QuantumError):
                session.close()
        winners.append(end)
    record_property("committed", winners.count("committed"))
    record_property("rolled_back", winners.count("rolled_back"))


def laptop_steps(world, sessions):
    """Yield before each thing that a laptop does for one deploy."""
    yield "connected"
    first = sessions("first")
    yield "greeted"
    with contextlib.suppress(InDoubtError):
        world.apply(first, [file("/etc/a")], switch=armed())
    yield "applied"
    first.hold(deadline_s=60)
    yield "gated"
    second = sessions("second")
    yield "connected anew"
    second.confirm("t1", TOKEN)
    yield "confirmed"
    first.commit("t1")
    yield "let go"


@pytest.mark.parametrize("at", range(7))
def test_a_laptop_that_is_killed_at_any_step_leaves_all_old_or_all_new(world, at):
    before = tree(world.root)
    made = []

    def sessions(_):
        made.append(world.session())
        return made[-1]

    for index, name in enumerate(laptop_steps(world, sessions)):
        if index == at:
            break
    # what the kernel does to a laptop's pipes when it kills it, in no order that we choose
    for session in made:
        world.process(session).stdin.close()
    for session in made:
        world.process(session).wait(60)
    end = state(world)
    assert end == {True: "committed", False: "rolled_back"}[at >= 5] or (at < 2 and end == "")
    assert (tree(world.root) == before) is (end != "committed"), name
    assert world.session().hello_said["lock"] is None
    assert not switch_file(world).exists()


def test_a_laptop_and_an_agent_that_die_together_leave_it_to_the_switch(world):
    before = tree(world.root)
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    kill(world, session)
    assert state(world) == "applied"
    assert expire(world) == 0
    assert (state(world), tree(world.root)) == ("rolled_back", before)
    assert not list((world.root / STORE).glob("fenced-*"))
