"""A confirm against the switch that goes off: one wins, and what is answered is what holds."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from harness.agent.awaiting import LOOK_EVERY_S
from harness.agent.lock import holder
from harness.errors import InDoubtError, QuantumError
from tests.agent import laptop_process
from tests.agent.test_switch import TOKEN, armed, change, expire, kill, state, switch_file
from tests.agent.worlds import META, STORE, file, tree
from tests.waiting import until

#: Cases in all and for each test: a sample here, the full count in the soak.
SOAK = bool(os.environ.get("QUANTUM_SOAK"))
CASES, PER_TEST = (1000, 50) if SOAK else (15, 5)
STEPS = laptop_process.STEPS[1:] if SOAK else ("apply", "hold", "confirm", "let go")
ARMING = range(4, 10) if SOAK else (5, 7)
#: A confirm comes so much after the switch's moment at first, is moved so far towards where the
#: other side wins, and then less and less far; and is never put twice at the same point. Seconds.
LAG_S, CLOSER_S, CLOSEST_S, APART_S = 0.4, 0.3, 0.02, 0.02
FINAL = ("committed", "rolled_back")


def going_off_in(world, tx, seconds):
    """Have the host's own switch go off at a moment soon; returns the moment."""
    path = switch_file(world, tx)
    moment = time.monotonic() + seconds
    change(path, until_s=moment)
    return moment


@pytest.mark.parametrize("part", range(CASES // PER_TEST))
def test_one_of_confirm_and_expiry_wins_and_the_answer_is_the_hosts_state(
    world, part, record_property
):
    chance = random.Random(f"confirm {part}")
    winners, lag, closer = [], LAG_S, CLOSER_S  # what the switch takes is learnt from who wins
    confirming = world.session()
    for number in range(PER_TEST):
        tx = f"t{number}"
        before = tree(world.root)
        session = world.session()
        world.apply(session, [file("/etc/a", f"{number}\n")], tx, switch=armed())
        after = tree(world.root)
        if chance.random() < 0.3:
            kill(world, session)
        # it looks every half second whether it is still needed, and hears of its moment then
        moment = going_off_in(world, tx, LOOK_EVERY_S + 0.1)
        pause = moment + lag + chance.uniform(-APART_S, APART_S) - time.monotonic()
        threading.Event().wait(max(0.0, pause))
        answer = confirming.confirm(tx, TOKEN)["state"]
        assert answer in ("committed", "undoing", "rolled_back")
        end = until(lambda tx=tx: state(world, tx) in FINAL and state(world, tx))
        until(lambda tx=tx: not switch_file(world, tx).exists())
        assert (answer == "committed") == (end == "committed")
        assert tree(world.root) == (after if end == "committed" else before)
        assert confirming.confirm(tx, TOKEN)["state"] == end
        with contextlib.suppress(QuantumError):
            session.close()
        winners.append(end)
        lag += closer if end == "committed" else -closer
        closer = max(CLOSEST_S, closer * 0.7)
    record_property("committed", winners.count("committed"))
    record_property("rolled_back", winners.count("rolled_back"))


@pytest.mark.parametrize("step", STEPS)
def test_a_laptop_that_is_killed_before_any_step_leaves_all_old_or_all_new(world, step):
    before = tree(world.root)
    words = [sys.executable, "-m", "tests.agent.laptop_process", str(world.root)]
    words += [world.services.control, TOKEN, step]
    assert subprocess.run(words, timeout=120, check=False).returncode == -signal.SIGKILL
    confirmed = laptop_process.STEPS.index(step) > laptop_process.STEPS.index("confirm")
    applied = laptop_process.STEPS.index(step) > laptop_process.STEPS.index("apply")
    end = "committed" if confirmed else "rolled_back" if applied else ""
    until(lambda: state(world) == end and holder(str(world.root / STORE)) is None)
    assert (tree(world.root) == before) is not confirmed
    assert not switch_file(world).exists()


@pytest.mark.parametrize("at", [1, 2])
def test_a_confirm_whose_agent_dies_is_settled_by_asking_again(world, at):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    with pytest.raises(InDoubtError):
        world.session(die_at=at).confirm("t1", TOKEN)
    assert state(world) == ("applied" if at == 1 else "committed")
    assert world.session().confirm("t1", TOKEN)["state"] == "committed"
    session.close()
    assert (state(world), switch_file(world).exists()) == ("committed", False)


@pytest.mark.parametrize("at", ARMING)
def test_an_agent_that_dies_while_it_arms_leaves_nothing_that_recovering_does_not_take(world, at):
    before = tree(world.root)
    session = world.session(die_at=at)
    with pytest.raises(InDoubtError):
        world.apply(session, [file("/etc/a")], switch=armed())
    again = world.session()
    assert again.hello_said["unfinished"] == ["t1"]
    again.recover(meta=META)
    assert (state(world), tree(world.root)) == ("rolled_back", before)
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
