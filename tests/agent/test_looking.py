"""What a plan is made from is found out without a single call that writes anything anywhere."""

import os
import subprocess
import sys
import zipfile

import pytest

from harness.bootstrap import BOOTSTRAP
from harness.errors import InDoubtError
from tests.agent import tracing
from tests.agent.test_crash_walk import apply_and_commit
from tests.agent.test_steps import everything
from tests.agent.worlds import META, UNIT, file, tree


def ask_everything(session, paths, digest):
    """Ask all that a plan, a drift, a proof or a history is made from."""
    session.observe(paths=dict.fromkeys(paths), units={UNIT: {}}, packages=["x"], releases=[digest])
    session.attest(paths=paths, units={UNIT: {}}, releases=[digest])
    session.transactions()
    for snapshot in session.backups():
        session.plan_restore(snapshot["id"])


def test_looking_at_a_host_makes_no_call_that_writes(world, tmp_path):
    log, steps = tmp_path / "log", everything(world)
    session = world.session()
    apply_and_commit(world, session, steps)
    session.backup("s1", [], meta=META)
    dying = world.session(die_at=20)
    with pytest.raises(InDoubtError):
        world.apply(dying, [file(f"/etc/{name}") for name in "abc"], "t2")
    before = tree(world.root, whole=True)
    session = world.session(through=tracing.watching(log, children=True))
    assert session.hello_said["unfinished"] == ["t2"]
    ask_everything(session, [step["path"] for step in steps if "path" in step], steps[3]["digest"])
    session.close()
    assert tracing.leaving_a_trace(log) == []
    assert tree(world.root, whole=True) == before


def test_looking_at_a_real_host_starts_no_program_that_writes(world, tmp_path):
    """This machine itself is looked at, as root's agent would: systemctl and dpkg-query answer."""
    log = tmp_path / "log"
    session = world.session(through=tracing.watching(log, children=True))
    assert session.hello(root="/", services="systemd")["facts"]["services"] == "systemd"
    session.observe(paths={"/etc/hostname": None}, packages=["bash"], releases=["0" * 64])
    session.close()
    assert any("/memfd:output" in str(call) for call in tracing.changing(log))
    assert tracing.leaving_a_trace(log) == []


def test_a_look_that_writes_is_seen(world, tmp_path):
    log = tmp_path / "log"
    session = world.session(through=tracing.watching(log))
    session.recover(meta=META)  # it has nothing to undo, but makes its folders and takes the lock
    session.close()
    calls = {call.name for call in tracing.leaving_a_trace(log)}
    assert {"mkdir", "flock", "ftruncate", "openat"} <= calls


def test_the_agent_leaves_no_bytecode_behind(tmp_path):
    archive = tmp_path / "agent.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        told = "def main():\n import sys\n print(sys.dont_write_bytecode)\n"
        zipped.writestr("agent/__init__.py", "")
        zipped.writestr("agent/main.py", told)
    raw = archive.read_bytes()
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", BOOTSTRAP], input=b"%08x" % len(raw) + raw,
        capture_output=True, check=True, env=os.environ,
    )  # fmt: skip
    assert ended.stdout.strip() in {b"1", b"True"}
