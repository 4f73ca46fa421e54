"""Shutting a host's gates: done only where no process of the open ones is left."""

import pytest

from commands import shutting
from harness.contact import Contact
from harness.errors import QuantumError
from harness.host import Host
from roles.execution import ROLE

HOST = Host("box", "x", "testnet", ("execution",))
DIGEST = shutting.env_of(HOST).content.partition(b"\n")[0].partition(b"=")[2].decode()
UNIT = "quantum-execution@1.service"
MANIFEST = {ROLE.env: {"kind": "file"}, f"/etc/systemd/system/{UNIT}": {"kind": "file"}}


class Session:
    """A host whose env file is shut already, and one process, which a stop may end."""

    def __init__(self, digest, *, ends=True):
        env = shutting.env_of(HOST)
        self.state = {"active": "active", "main_pid": 7, "environ": {shutting.DIGEST: digest}}
        self.there = {"kind": "file", "sha256": env.sha256, "mode": env.mode, "owner": "root",
                      "group": "root"}  # fmt: skip
        self.ends, self.steps = ends, []

    def observe(self, *, units, **_):
        return {"paths": {ROLE.env: self.there}, "units": dict.fromkeys(units, self.state),
                "packages": {}, "releases": {}}  # fmt: skip

    def units(self, names):
        return dict.fromkeys(names, self.state)

    def apply(self, tx, *, steps, **_):
        self.steps = steps

    def commit(self, tx):
        pass

    def operate(self, verb, units, **_):
        assert (verb, units) == ("stop", [UNIT])
        if self.ends:
            self.state = {"active": "inactive", "main_pid": 0, "environ": {}}


def shut(session, manifest=MANIFEST):
    return shutting.shut(Contact(HOST, None, session, {}, manifest, (), (), None), "t-1", {})


def test_what_is_shut_already_is_left_alone():
    session = Session(DIGEST)
    assert shut(session) == "unchanged"
    assert session.steps == []


def test_a_process_of_the_open_gates_is_restarted_and_where_that_does_not_help_stopped():
    session = Session("another")
    assert shut(session) == f"committed; {UNIT} stopped"
    (settle,) = session.steps
    assert settle["anyhow"]
    assert settle["units"] == [{"name": UNIT, "action": "restart", "wait_s": 60}]


def test_a_process_that_runs_on_as_before_is_told():
    with pytest.raises(QuantumError, match=f"{UNIT} runs on as before"):
        shut(Session("another", ends=False))


def test_a_host_with_nothing_deployed_has_nothing_to_shut():
    assert shut(Session("another"), {}) == "nothing is deployed"
