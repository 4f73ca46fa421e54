"""Who leaves in the middle: laptops that hang up, agents that are killed, two at once."""

import json
import os
import signal
import subprocess
import sys

import pytest

from harness.bootstrap import agent_archive, command
from harness.errors import AgentError, InDoubtError, LockedError, UnreachableError
from harness.session import Session
from tests.agent.worlds import META, NEW_UNIT, OLD_UNIT, UNIT, UNIT_PATH, file, settle, tree


def prepared(world):
    world.write("/etc/a", "old\n")
    world.write(UNIT_PATH, OLD_UNIT)
    world.services.start(UNIT)
    return [file("/etc/a"), file("/etc/b"), file(UNIT_PATH, NEW_UNIT), settle()]


def assert_back(world, before):
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "old"}
    said = world.session().hello_said
    assert said["unfinished"] == []
    assert said["lock"] is None
    assert [one["state"] for one in said["transactions"]] == ["rolled_back"]


def test_a_laptop_that_hangs_up_before_the_commit_leaves_everything_as_it_was(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps)
    assert tree(world.root) != before
    session.close()
    world.process(session).wait(60)
    assert_back(world, before)


def test_a_laptop_that_falls_silent_loses_its_deploy(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps, quiet_s=0.3)
    world.process(session).wait(60)
    assert_back(world, before)
    with pytest.raises(InDoubtError, match="ended without an answer"):
        session.commit("t1")
    with pytest.raises(UnreachableError):
        session.observe(paths={})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_agent_that_is_told_to_end_puts_everything_back_first(world, number):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps)
    os.kill(world.process(session).pid, number)
    world.process(session).wait(60)
    assert_back(world, before)


def test_an_agent_that_is_told_to_end_in_mid_apply_says_so(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    start = world.services.restart

    def restart(unit):
        os.kill(world.process(session).pid, signal.SIGTERM)
        return start(unit)

    world.services.restart = restart
    with pytest.raises(AgentError, match="ended by SIGTERM; everything was put back"):
        world.apply(session, steps)
    world.process(session).wait(60)
    assert_back(world, before)


def test_an_agent_that_is_told_to_end_in_mid_undo_finishes_that_first(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps)
    stop = world.services.stop

    def stopping(unit):
        os.kill(world.process(session).pid, signal.SIGTERM)
        return stop(unit)

    world.services.stop = stopping
    assert session.rollback("t1")["state"] == "rolled_back"
    assert world.process(session).wait(60) == 0
    assert_back(world, before)


def test_a_killed_agent_is_reported_unfinished_and_undone_by_the_next_deploy(world):
    steps = prepared(world)
    before = tree(world.root)
    session = world.session()
    world.apply(session, steps)
    world.process(session).kill()
    world.process(session).wait(60)
    again = world.session()
    assert again.hello_said["unfinished"] == ["t1"]
    assert again.hello_said["lock"] is None
    world.apply(again, [], "t2")
    assert {"event": "recovered", "tx": "t1"} in world.events
    again.commit("t2")
    assert tree(world.root) == before
    assert world.services.show(UNIT)["environ"] == {"QUANTUM_UNIT_DIGEST": "old"}


def test_what_a_killed_agent_left_is_put_back_when_asked_and_a_committed_deploy_stays(world):
    first = world.session()
    world.apply(first, [file("/etc/kept")])
    first.commit("t1")
    committed = tree(world.root)
    world.apply(first, [file("/etc/lost")], "t2")
    world.process(first).kill()
    world.process(first).wait(60)
    again = world.session()
    assert [one["tx"] for one in again.recover(meta=META)["undone"]] == ["t2"]
    assert {"event": "recovered", "tx": "t2"} in world.events
    assert tree(world.root) == committed
    assert again.recover(meta=META) == {"undone": []}
    assert tree(world.root) == committed


def test_recovering_is_refused_while_somebody_deploys(world):
    first, second = world.session(), world.session()
    world.apply(first, [file("/etc/a")])
    applied = tree(world.root)
    with pytest.raises(LockedError, match="ada holds this host"):
        second.recover(meta=META)
    with pytest.raises(AgentError, match="neither committed nor rolled back"):
        first.recover(meta=META)
    assert tree(world.root) == applied
    first.commit("t1")


def test_of_two_deploys_at_once_one_is_told_who_holds_the_host(world):
    first, second = world.session(), world.session()
    world.apply(first, [file("/etc/a")])
    holder = world.session().hello_said["lock"]
    assert (holder["operator"], holder["from"], holder["tx"]) == ("ada", "laptop", "t1")
    with pytest.raises(LockedError, match=r"ada holds this host since .* from laptop .* t1"):
        world.apply(second, [file("/etc/b")], "t2")
    with pytest.raises(LockedError):
        second.rollback()
    first.commit("t1")
    world.apply(second, [file("/etc/b")], "t2")
    second.commit("t2")


def test_a_commit_is_answered_the_same_when_it_is_asked_again(world):
    world.deploy([file("/etc/a")])
    session = world.session()
    assert session.commit("t1")["state"] == "committed"
    session.rollback()
    with pytest.raises(AgentError, match="t1 is rolled_back"):
        session.commit("t1")


def test_a_request_that_is_none_is_an_error_and_not_the_end(world):
    session = world.session()
    with pytest.raises(AgentError, match="does not know how to 'dance'"):
        session._ask({"do": "dance"}, 10)
    with pytest.raises(AgentError, match="absolute path"):
        session.observe(paths={"relative": None})
    assert session.observe(paths={})["paths"] == {}


def test_nothing_but_frames_is_on_stdout(world):
    process = subprocess.Popen(
        command(become=False, python=sys.executable),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    hello = {"do": "hello", "root": str(world.root), "services": "supervisor", "control": "x"}
    archive = agent_archive()
    out, _ = process.communicate(
        b"%08x" % len(archive) + archive + json.dumps(hello).encode() + b"\nnonsense\n", timeout=60
    )
    frames = [json.loads(line) for line in out.splitlines()]
    assert "facts" in frames[0]["reply"]
    assert frames[1]["error"]["kind"] == "request"
    assert len(frames) == 2


def test_an_agent_that_cannot_start_is_explained(world):
    process = subprocess.Popen(["false"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    why = UnreachableError("sudo: a password is required")
    session = Session(process.stdin, process.stdout, host="h", explain=lambda: why)
    with pytest.raises(UnreachableError, match="h, hello: sudo: a password is required"):
        session.hello(root="/", services="systemd")
    session.close()
    process.wait()
    process.stdout.close()


def test_a_host_that_does_not_answer_is_given_up_at_the_deadline(world):
    process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    session = Session(process.stdin, process.stdout, host="h")
    try:
        with pytest.raises(UnreachableError, match="no answer within"):
            session.hello(root="/", services="systemd", deadline_s=0.1)
    finally:
        process.kill()
        process.wait()
        session.close()
        process.stdout.close()
