"""The probe on a real host: what a unit may do is told as it is, and nothing stays, ever."""

from __future__ import annotations

import threading

import pytest

from harness.bootstrap import command
from harness.errors import QuantumError
from harness.links.ssh import connect
from harness.session import Session
from lab.entering import inside
from proofs.confinement.directives import service_lines
from tests.lab import looking
from tests.unit.rendered_roles import CONSUMERS, text
from tests.waiting import until

pytestmark = pytest.mark.lab

UNIT = "\n".join(
    line for line in service_lines(text(CONSUMERS["decision_intelligence"][1]))
    if not line.startswith("WorkingDirectory=")  # there is no release on this host
).replace(f"/opt/quantum/releases/{'a' * 64}", "/usr/lib")  # fmt: skip
#: So long that somebody can step in between; each is a process of its own.
LONG = ["unshare"] * 4000
#: Prints who holds the lock of a probe, beside its sweeper.
HOLDER = (
    "for each in /proc/[0-9]*; do"
    " grep -q '^python3' $each/comm && ls -l $each/fd 2>/dev/null |"
    " grep -q '/run/quantum-probe-.*/lock' && basename $each; done; true"
)


@pytest.fixture
def session(first):
    link = connect(first)
    process = link.exec(command(become=True))
    one = Session(process.stdin, process.stdout, host="lab", explain=process.explain)
    one.hello(root="/", services="systemd")
    yield one
    one.close()
    link.close()


def trial(more: str = "", *actions: str) -> dict:
    return {"service": f"{UNIT}\n{more}", "actions": list(actions)}


def test_a_weakened_unit_is_told_from_a_whole_one_and_its_state_is_its_own(session, lab_hosts):
    trials = {
        "whole": trial("", "exec_state", "map_writable_code", "bind_port", "set_user"),
        "weak": trial("MemoryDenyWriteExecute=no", "map_writable_code", "bind_port"),
        # what NoExecPaths=/ does not cover, as the field notes say; and nothing of it stays
        "state": trial("StateDirectory=quantum-of-somebody", "exec_state"),
        "unknown": trial("", "fly"),
        "broken": trial("RootDirectory=/nowhere", "unshare"),
    }
    found = session.probe(trials, units=["ssh.service"], code=["/usr/lib/os-release"])
    said = {name: each["actions"] for name, each in found["trials"].items()}
    assert {each["passed"] for each in said["whole"].values()} == {False}
    assert said["whole"]["map_writable_code"]["why"] == "EPERM"
    assert said["weak"]["map_writable_code"]["passed"] is True
    assert said["weak"]["bind_port"]["passed"] is False
    assert said["state"]["exec_state"]["passed"] is True
    assert "quantum-probe-" in said["state"]["exec_state"]["why"]
    assert said["unknown"]["fly"]["passed"] is None
    assert found["trials"]["broken"]["actions"] == {}
    assert "Result=" in found["trials"]["broken"]["why"]
    assert set(found["limits"]["ssh.service"]) == {"memory.max", "cpu.max", "pids.max", "core"}
    assert looking.probing(lab_hosts[0]) == []
    there = inside(lab_hosts[0], "sh", "-c", "ls /var/lib | grep somebody; true").stdout
    assert there == b""


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_nothing_stays_of_a_probe_whose_agent_is_killed(session, lab_hosts, signal):
    host = lab_hosts[0]
    ended = []

    def probe():
        try:
            session.probe({"long": trial("", *LONG)}, units=[], code=[])
        except QuantumError as error:
            ended.append(error)

    asking = threading.Thread(target=probe)
    asking.start()

    def amid_it() -> bool:
        return any(each.endswith("A trial of Quantum Ops") for each in looking.probing(host))

    until(amid_it, 60, "the trial to run")
    (pid,) = inside(host, "sh", "-c", HOLDER).stdout.split()
    inside(host, "kill", f"-{signal}", pid.decode())
    until(lambda: looking.probing(host) == [], 60, "everything to be swept away")
    asking.join(60)
    assert len(ended) == 1
