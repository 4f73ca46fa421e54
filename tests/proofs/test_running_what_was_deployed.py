from __future__ import annotations

import copy
import hashlib

import pytest

from proofs import attesting
from proofs.finding import Verdict
from proofs.running_what_was_deployed import check, gather

DIGEST = "ab" * 32
UNIT = "quantum-p35-decision-intelligence.service"
UNIT_PATH = f"/etc/systemd/system/{UNIT}"
ENV_PATH = "/etc/quantum/p35-decision-intelligence.env"
SECRET_PATH = "/etc/quantum/credentials/p35-decision-intelligence/redis_password"
RELEASE = f"/opt/quantum/releases/{DIGEST}"
BODY = "REDIS_HOST=127.0.0.1\n"
ENV_TEXT = f"QUANTUM_ENV_DIGEST={hashlib.sha256(BODY.encode()).hexdigest()}\n{BODY}"
UNIT_TEXT = f"""[Service]
Environment=QUANTUM_UNIT_DIGEST={"1" * 64}
ExecStart=/usr/bin/python3 -B -s -E -S -m consumers.decision_intelligence
WorkingDirectory={RELEASE}
EnvironmentFile={ENV_PATH}
LoadCredential=redis_password:{SECRET_PATH}
"""


def file_state(text, mode=0o644):
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"kind": "file", "sha256": digest, "mode": mode, "owner": "root", "group": "root",
            "mtime_ns": 1_000_000_000_000_000_000, "size": len(text)}  # fmt: skip


class Agent:
    """Answers as the agent does, from a small host that a test may spoil."""

    def __init__(self):
        self.texts = {UNIT_PATH: UNIT_TEXT, ENV_PATH: ENV_TEXT, SECRET_PATH: "hunter22"}
        modes = {SECRET_PATH: 0o600, ENV_PATH: 0o640}
        self.manifest = {p: file_state(t, modes.get(p, 0o644)) for p, t in self.texts.items()}
        self.manifest["/etc/quantum"] = {"kind": "dir", "mode": 0o755, "owner": "root",
                                         "group": "root"}  # fmt: skip
        self.states = copy.deepcopy(self.manifest)
        self.releases = {DIGEST: {"complete": True, "tree_digest": DIGEST}}
        self.unit = {
            "active": "active", "sub": "running", "main_pid": 42, "need_reload": False,
            "started_at_us": 1_000_000_000_000_500, "dropins": [],
            "cmdline": ["/usr/bin/python3", "-B", "-s", "-E", "-S", "-m",
                        "consumers.decision_intelligence"],
            "cwd": RELEASE,
            "environ": {"QUANTUM_UNIT_DIGEST": "1" * 64,
                        "QUANTUM_ENV_DIGEST": ENV_TEXT.partition("\n")[0].partition("=")[2]},
            "credentials": {"redis_password": hashlib.sha256(b"hunter22").hexdigest()},
        }  # fmt: skip
        self.asked = []

    def observe(self, *, paths, **_):
        return {"paths": {p: {**self.states[p], "text": self.texts[p]} for p in paths}}

    def attest(self, *, releases, paths, units):
        self.asked.append((releases, paths, units))
        return {
            "manifest": self.manifest, "tx": "t1", "tx_state": "committed",
            "paths": {p: self.states[p] for p in paths},
            "releases": {d: self.releases[d] for d in releases},
            "units": dict.fromkeys(units, self.unit),
        }  # fmt: skip

    def place(self, path, text):
        self.texts[path] = text
        self.states[path] = {**self.states[path],
            "sha256": hashlib.sha256(text.encode()).hexdigest()}  # fmt: skip


@pytest.fixture
def agent():
    return Agent()


@pytest.fixture
def found(agent, scene_of):
    def finding(mode="sandbox", git=None):
        git = {"commit": "f" * 40, "dirty": False} if git is None else git
        scene = scene_of(None, mode=mode, git=git, attest=lambda: attesting.attest(agent))
        return check(gather(scene))

    return finding


def test_a_host_that_runs_what_was_placed_is_proved(agent, found):
    finding = found("live")
    assert finding.verdict is Verdict.proved, finding.reasons
    releases, paths, units = agent.asked[-1]
    assert releases == [DIGEST]
    assert set(paths) == set(agent.manifest)
    assert units == {UNIT: {"credentials": {"redis_password": SECRET_PATH}}}


def test_no_secret_and_no_digest_of_one_is_in_the_evidence(agent, scene_of):
    evidence = gather(scene_of(None, attest=lambda: attesting.attest(agent)))
    assert "hunter22" not in str(evidence)
    assert hashlib.sha256(b"hunter22").hexdigest() not in str(evidence)
    assert evidence["paths"][SECRET_PATH]["sha256"].startswith("mark:")
    assert evidence["paths"][ENV_PATH]["sha256"] == hashlib.sha256(ENV_TEXT.encode()).hexdigest()


def spoil_unit(**changes):
    return lambda agent: agent.unit.update(changes)


def other_environ(name):
    return lambda agent: agent.unit["environ"].update({name: "2" * 64})


def another_text(path, text):
    return lambda agent: agent.place(path, text)


SPOILED = {
    "is not what was deployed: its sha256 differs": another_text(ENV_PATH, ENV_TEXT + "X=1\n"),
    "does not have the digest that it states": another_text(ENV_PATH, ENV_TEXT + "X=1\n"),
    "its mode differs": lambda a: a.states[SECRET_PATH].update(mode=0o644),
    "its owner differs": lambda a: a.states["/etc/quantum"].update(owner="ada"),
    "its kind differs": lambda a: a.states.update({ENV_PATH: {"kind": "absent"}}),
    "was changed on the host": lambda a: a.releases[DIGEST].update(tree_digest="0" * 64),
    "is not COMPLETE": lambda a: a.releases[DIGEST].update(complete=False),
    "is failed": spoil_unit(active="failed", main_pid=0),
    "has not read it again": spoil_unit(need_reload=True),
    "was not deployed": spoil_unit(dropins=["/etc/systemd/system/x.service.d/own.conf"]),
    "started with another unit file": other_environ("QUANTUM_UNIT_DIGEST"),
    "started with another environment file": other_environ("QUANTUM_ENV_DIGEST"),
    "given another credential": lambda a: a.unit["credentials"].update(redis_password="9" * 64),
    "given another credential redis_password": lambda a: a.unit["credentials"].clear(),
    "does not run in release": spoil_unit(cwd="/opt/quantum/releases/" + "cd" * 32),
    "has another command line": spoil_unit(cmdline=["/usr/bin/python3", "-m", "http.server"]),
}


@pytest.mark.parametrize(("reason", "spoil"), SPOILED.items(), ids=SPOILED.keys())
def test_every_difference_refutes_and_is_named(agent, found, reason, spoil):
    spoil(agent)
    finding = found()
    assert finding.verdict is Verdict.refuted
    assert any(reason in said for said in finding.reasons), finding.reasons


def test_a_dirty_tree_is_noted_in_the_sandbox_and_refutes_elsewhere(found):
    git = {"commit": "f" * 40, "dirty": True}
    sandbox = found("sandbox", git)
    assert sandbox.verdict is Verdict.proved
    assert any("uncommitted" in reason for reason in sandbox.reasons)
    assert found("testnet", git).verdict is Verdict.refuted
    assert found("live", git).verdict is Verdict.refuted


def test_an_unknown_commit_is_noted_in_the_sandbox_and_unknown_elsewhere(found):
    git = {"commit": None, "dirty": False}
    assert found("sandbox", git).verdict is Verdict.proved
    assert found("testnet", git).verdict is Verdict.unknown


def test_a_host_without_a_deploy_is_unknown(agent, found):
    agent.manifest = {}
    assert found().verdict is Verdict.unknown


def test_a_manifest_without_a_unit_is_unknown(agent, found):
    del agent.manifest[UNIT_PATH]
    assert found().verdict is Verdict.unknown


def test_a_unit_file_that_states_no_digest_leaves_it_unknown(agent, found):
    text = UNIT_TEXT.replace("QUANTUM_UNIT_DIGEST", "OTHER")
    agent.place(UNIT_PATH, text)
    agent.manifest[UNIT_PATH] = agent.states[UNIT_PATH]
    assert found().verdict is Verdict.unknown


def test_without_a_digest_to_go_by_a_process_older_than_its_file_refutes(agent, found):
    text = UNIT_TEXT.replace("QUANTUM_UNIT_DIGEST", "OTHER")
    agent.place(UNIT_PATH, text)
    agent.manifest[UNIT_PATH] = agent.states[UNIT_PATH]
    agent.unit["started_at_us"] = 999_999_999_999_999
    finding = found()
    assert finding.verdict is Verdict.refuted
    assert any("older than its unit file" in reason for reason in finding.reasons)


def test_a_file_placed_again_with_the_same_content_is_noted(agent, found):
    agent.unit["started_at_us"] = 999_999_999_999_999
    finding = found()
    assert finding.verdict is Verdict.proved
    assert any("placed again" in reason for reason in finding.reasons)
