"""The dead man's switch: what nobody confirms goes back by itself, whoever has died."""

import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time

import pytest

from harness.agent import boot_unit
from harness.agent.machine import Machine
from harness.agent.systemd import Systemd
from harness.errors import AgentError, LockedError, QuantumError
from tests.agent.worlds import (
    NEW_UNIT,
    OLD_UNIT,
    STORE,
    UNIT,
    UNIT_PATH,
    file,
    settle,
    tree,
)
from tests.waiting import until

TOKEN = secrets.token_hex(32)
#: Longer than any test, and so short that nobody wants to wait for it.
LONG_S, SHORT_S = 600.0, 0.2


def armed(ttl_s=LONG_S, token=TOKEN):
    return {"token_sha256": hashlib.sha256(token.encode()).hexdigest(), "ttl_s": ttl_s}


def prepared(world):
    world.write("/etc/a", "old\n")
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    return [file("/etc/a"), file("/etc/b"), file(UNIT_PATH, NEW_UNIT), settle(wait_s=1)]


def state(world, tx="t1"):
    """Return a transaction's state; "" while there is none, or a rename falls into the look."""
    found = (world.root / STORE / "tx" / tx).glob("state-*")
    return next((path.name.removeprefix("state-") for path in found), "")


def switch_file(world, tx="t1"):
    return world.root / STORE / "tx" / tx / "switch.json"


def change(path, **changes):
    """Change what a switch keeps, whole as the agent does: its process may look at any time."""
    beside = path.with_suffix(".test")
    beside.write_text(json.dumps(json.loads(path.read_text()) | changes))
    beside.replace(path)


def expire(world, tx="t1"):
    """Bring the switch's time forward to now, and run what a timer would run; its status."""
    path = switch_file(world, tx)
    change(path, until_s=0.0)
    folder = str(path.parent)
    words = [sys.executable, "-I", "-S", f"{folder}/agent.pyz", "expire", folder]
    return subprocess.run(words, timeout=60, check=False).returncode


def goes_back(world, before, tx="t1"):
    until(lambda: state(world, tx) == "rolled_back" and not switch_file(world, tx).exists())
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "old"}


def begun(world, session, steps):
    """Apply in a thread, whatever becomes of it: its agent is going to be stopped."""

    def apply():
        with contextlib.suppress(QuantumError):
            world.apply(session, steps, switch=armed(SHORT_S))

    thread = threading.Thread(target=apply)
    thread.start()
    return thread


def kill(world, session):
    world.process(session).kill()
    world.process(session).wait(60)


def test_a_new_connection_with_the_token_keeps_it_and_the_old_one_lets_go(world):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    with pytest.raises(AgentError, match="over a new connection"):
        session.commit("t1")
    with pytest.raises(AgentError, match="over a new connection"):
        session.confirm("t1", TOKEN)
    again = world.session()
    assert again.confirm("t1", TOKEN)["state"] == "committed"
    assert again.confirm("t1", TOKEN)["state"] == "committed"
    assert session.commit("t1")["state"] == "committed"
    assert world.session().hello_said["lock"] is None
    session.close()
    assert state(world) == "committed"
    assert not switch_file(world).exists()
    assert world.at("/etc/a").exists()


def test_the_old_connection_that_ends_without_a_word_undoes_nothing_that_was_confirmed(world):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    assert world.session().confirm("t1", TOKEN)["state"] == "committed"
    session.close()
    world.process(session).wait(60)
    assert state(world) == "committed"
    assert world.session().hello_said["lock"] is None


def test_a_wrong_token_keeps_nothing(world):
    session, other = world.session(), world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    for token in ("", "x", armed()["token_sha256"]):
        with pytest.raises(AgentError, match="not the token"):
            other.confirm("t1", token)
    session.rollback("t1")
    assert other.confirm("t1", TOKEN)["state"] == "rolled_back"
    world.apply(session, [file("/etc/a")], "t2")
    with pytest.raises(AgentError, match="not the token"):
        other.confirm("t2", "")
    session.commit("t2")


def test_the_host_keeps_the_tokens_digest_and_not_the_token(world):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    world.session().confirm("t1", TOKEN)
    kept = b"".join(p.read_bytes() for p in (world.root / STORE).rglob("*") if p.is_file())
    assert TOKEN.encode() not in kept
    assert armed()["token_sha256"].encode() in kept


def test_on_the_first_deploy_ever_a_killed_agent_is_not_missed(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps, switch=armed(SHORT_S))
    kill(world, session)
    goes_back(world, before)


def test_a_host_that_hears_nothing_goes_back_although_its_agent_still_listens(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps, switch=armed(SHORT_S))
    goes_back(world, before)
    assert world.process(session).wait(60) == 0
    assert world.session().confirm("t1", TOKEN)["state"] == "rolled_back"


def test_who_is_spoken_to_holds_on(world):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed(LONG_S))
    path = switch_file(world)
    change(path, until_s=time.monotonic() + 5)
    assert session.hold(deadline_s=60)["left_s"] > LONG_S / 2
    change(path, latest_s=time.monotonic() + 5)
    assert session.hold(deadline_s=60)["left_s"] <= 5, "not for ever"
    session.rollback("t1")
    assert world.session().hold(deadline_s=60) == {"left_s": None}


def test_a_switch_that_goes_off_after_the_end_changes_nothing(world):
    session = world.session()
    world.apply(session, [file("/etc/a")], switch=armed())
    said = switch_file(world).read_text()
    world.session().confirm("t1", TOKEN)
    after = tree(world.root)
    switch_file(world).write_text(said)  # whoever confirmed died before it disarmed
    assert expire(world) == 0
    assert state(world) == "committed"
    assert tree(world.root) == after
    assert not switch_file(world).exists()


@pytest.mark.parametrize("at", [8, 20, 33])
def test_a_stopped_holder_past_its_time_is_ended_and_everything_is_old(world, at):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session(stop_at=at)
    stopped = world.process(session)
    applying = begun(world, session, steps)
    goes_back(world, before)
    applying.join(60)
    assert stopped.wait(60) == -signal.SIGKILL
    assert tree(world.root) == before
    assert world.session().hello_said["lock"] is None


UNKILLABLE = "\nending.end = lambda recorded, number: None\n"
UNFENCED = "\nLock.check = lambda self: None\n"


@pytest.mark.parametrize("fenced", [True, False])
def test_a_late_write_of_a_holder_that_nothing_could_end_is_refused(world, another_agent, fenced):
    """The broken variant beside it: without the fence the late write is made."""
    another_agent("lock.py", UNKILLABLE + ("" if fenced else UNFENCED))
    steps = prepared(world)
    before = tree(world.root)
    session = world.session(stop_at=20)
    stopped = world.process(session)
    applying = begun(world, session, steps)
    journal = world.root / STORE / "tx/t1/journal.jsonl"
    until(lambda: list((world.root / STORE).glob("fenced-*")), what="the fence")
    until(lambda: state(world) == "undoing")
    known = journal.read_bytes()
    assert tree(world.root) != before
    os.kill(stopped.pid, signal.SIGCONT)
    applying.join(60)
    session.close()
    stopped.wait(60)
    goes_back(world, before)
    assert (journal.read_bytes() != known) is not fenced


def test_a_killed_holders_lock_is_free_and_a_living_ones_is_not(world):
    first, second = world.session(), world.session()
    world.apply(first, [file("/etc/a")], switch=armed())
    with pytest.raises(LockedError, match=r"ada holds this host since .* from laptop .* t1"):
        world.apply(second, [file("/etc/b")], "t2")
    kill(world, first)
    world.apply(second, [file("/etc/b")], "t2")
    assert state(world, "t1") == "rolled_back"
    second.commit("t2")


def test_an_undo_whose_agent_is_killed_is_finished_by_the_host(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps, switch=armed())
    world.session().confirm("t1", TOKEN)
    session.close()
    undoing = world.session(die_at=6)
    with pytest.raises(QuantumError):
        undoing.rollback()
    assert world.process(undoing).wait(60) == -signal.SIGKILL
    assert state(world) == "undoing"
    assert expire(world) == 0
    goes_back(world, before)


def test_a_switch_that_cannot_be_armed_refuses_the_deploy(world, another_agent):
    another_agent("supervisor.py", "\nos.fork = lambda: os.open('', 0)  # raises OSError\n")
    before = tree(world.root)
    with pytest.raises(AgentError, match="cannot be armed"):
        world.apply(world.session(), [file("/etc/a")], switch=armed())
    assert tree(world.root) == before
    assert state(world) == "rolled_back"


# --- what the next boot runs -----------------------------------------------------------------


@pytest.mark.parametrize("had_wants", [True, False])
def test_the_boots_unit_leaves_no_trace_in_its_folders(world, had_wants):
    if had_wants:
        world.write(f"{boot_unit.WANTS}/other.service")
    before = tree(world.root)
    machine = Machine(str(world.root), Systemd(), honour_owners=False)
    made = boot_unit.missing_folders(machine)
    for _ in range(2):
        boot_unit.place_unit(machine, "t1", ("/usr/bin/python3", "x"))
    unit = world.at(f"{boot_unit.FOLDER}/quantum-ops-recover-t1.service")
    link = world.at(f"{boot_unit.WANTS}/{unit.name}")
    assert link.resolve() == unit.resolve()
    assert "ExecStart=/usr/bin/python3 x\n" in unit.read_text()
    now = tree(world.root)
    for folder in ("etc", "etc/systemd", "etc/systemd/system"):
        assert now[folder] == before[folder]
    for _ in range(2):
        boot_unit.remove(machine, "t1", made)
    assert tree(world.root) == before


@pytest.mark.parametrize("first", ["t1", "t2"])
def test_two_boot_units_share_a_folder_and_the_last_one_takes_it_along(world, first):
    before = tree(world.root)
    machine = Machine(str(world.root), Systemd(), honour_owners=False)
    made = {}
    for tx in ("t1", "t2"):
        made[tx] = boot_unit.missing_folders(machine)
        boot_unit.place_unit(machine, tx, ("/usr/bin/python3", "x"))
    for tx in (first, *({"t1", "t2"} - {first})):
        boot_unit.remove(machine, tx, made[tx])
    assert tree(world.root) == before
