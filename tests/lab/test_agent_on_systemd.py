"""The agent on a real host: systemd starts, refuses, limits and is put back."""

import hashlib

import pytest

from harness.bootstrap import command
from harness.errors import AgentError
from harness.links.ssh import connect
from harness.session import Session
from lab.entering import inside

pytestmark = pytest.mark.lab

UNIT = "quantum-agent-test.service"
PATH = f"/etc/systemd/system/{UNIT}"
WANTS = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"
TOKEN = "/etc/quantum-agent-test-token"
NEIGHBOUR = "/etc/systemd/system/quantum-agent-neighbour.service"
READY = (
    "import os,socket,time;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);"
    "s.connect(os.environ['NOTIFY_SOCKET']);s.send(b'READY=1');time.sleep(99999)"
)
SILENT = "import time;print('thinking');time.sleep(99999)"
BROKEN = "import sys;sys.exit('the exchange is closed')"


def unit(digest, code=READY, more=""):
    return (
        f"[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=600\n{more}\n[Service]\n"
        f"Environment=QUANTUM_UNIT_DIGEST={digest}\nType=notify\nDynamicUser=yes\n"
        f"LoadCredential=token:{TOKEN}\nPrivateMounts=yes\nRestart=on-failure\nRestartSec=100ms\n"
        f'ExecStart=/usr/bin/python3 -c "{code}"\n'
    )


class Place:
    """One lab host with an agent on it."""

    def __init__(self, lab_host, host):
        self.lab_host = lab_host
        self.link = connect(host)
        self.session = self.start()

    def start(self):
        process = self.link.exec(command(become=True))
        session = Session(process.stdin, process.stdout, host="lab", explain=process.explain)
        self.said = session.hello(root="/", services="systemd")
        return session

    def run(self, *words):
        return inside(self.lab_host, *words, check=False)

    def seen(self):
        said = self.session.observe(
            paths=dict.fromkeys([PATH, WANTS, TOKEN]),
            units={UNIT: {"credentials": {"token": TOKEN}}},
        )
        return said["paths"], said["units"][UNIT]

    def apply(self, tx, text, action="restart", wait_s=30, token="sesame", verify="unit"):
        paths, _ = self.seen()
        root = {"owner": "root", "group": "root"}
        files = {TOKEN: (token, 0o600, ""), PATH: (text, 0o644, verify)}
        blobs, steps = {}, []
        for path, (content, mode, check) in files.items():
            sha256 = hashlib.sha256(content.encode()).hexdigest()
            blobs[sha256] = content.encode()
            words = {"do": "file", "path": path, "blob": sha256, "sha256": sha256, "mode": mode}
            steps.append(words | root | {"before": paths[path], "verify": check})
        steps.append({"do": "symlink", "path": WANTS, "target": PATH, "before": paths[WANTS]})
        units = [{"name": UNIT, "action": action, "wait_s": wait_s}]
        steps.append({"do": "settle", "reload": False, "units": units})
        meta = {"operator": "test", "from": "lab"}
        return self.session.apply(tx, kind="deploy", meta=meta, steps=steps, blobs=blobs)


@pytest.fixture
def place(lab_hosts, as_host):
    one = Place(lab_hosts[1], as_host(lab_hosts[1]))
    yield one
    one.session.close()
    one.link.close()
    one.run("systemctl", "stop", UNIT)
    one.run("rm", "-rf", "/var/lib/quantum-ops", PATH, WANTS, TOKEN, NEIGHBOUR)
    one.run("systemctl", "daemon-reload")
    one.run("systemctl", "reset-failed")


@pytest.fixture
def deployed(place):
    """The first release runs and is committed."""
    place.apply("t1", unit("one"))
    place.session.commit("t1")
    return place


def test_the_facts_are_the_hosts_own(place):
    facts = place.said["facts"]
    assert facts["python"].startswith("3.")
    assert int(facts["systemd"]) >= 252
    assert facts["user"] == "0"
    assert facts["disk_free_bytes"] > 0
    assert place.said["lock"] is None


def test_a_unit_runs_with_its_credential_and_a_rollback_leaves_no_trace(place):
    paths, state = place.seen()
    assert state["load"] == "not-found"
    place.apply("t1", unit("one"), action="start")
    _, state = place.seen()
    assert (state["active"], state["sub"], state["enabled"]) == ("active", "running", "enabled")
    assert state["environ"] == {"QUANTUM_UNIT_DIGEST": "one"}
    assert state["credentials"] == {"token": hashlib.sha256(b"sesame").hexdigest()}
    assert not state["need_reload"]
    attested = place.session.attest(units={UNIT: {}})["units"][UNIT]
    assert attested["cmdline"][:2] == ["/usr/bin/python3", "-c"]
    assert attested["cwd"] == "/"
    assert attested["invocation"] == state["invocation"]
    place.session.commit("t1")
    place.session.rollback()
    after, state = place.seen()
    assert after == paths
    assert (state["load"], state["active"], state["main_pid"]) == ("not-found", "inactive", 0)


def test_a_changed_unit_is_restarted_once_and_a_rollback_runs_the_old_one(deployed):
    paths, old = deployed.seen()
    deployed.apply("t2", unit("two"), token="another")
    _, new = deployed.seen()
    assert new["environ"] == {"QUANTUM_UNIT_DIGEST": "two"}
    assert new["credentials"] == {"token": hashlib.sha256(b"another").hexdigest()}
    assert new["invocation"] != old["invocation"]
    assert new["restarts"] == 0
    deployed.session.commit("t2")
    deployed.session.rollback()
    after, back = deployed.seen()
    assert after == paths
    assert back["environ"] == {"QUANTUM_UNIT_DIGEST": "one"}
    assert (back["active"], back["need_reload"]) == ("active", False)


@pytest.mark.parametrize(
    ("code", "wait_s", "cause"),
    [(BROKEN, 30, "the exchange is closed"), (SILENT, 2, "did not say READY within 2 s")],
)
def test_a_unit_that_does_not_come_up_is_put_back(deployed, code, wait_s, cause):
    paths, _ = deployed.seen()
    with pytest.raises(AgentError, match=cause) as failed:
        deployed.apply("t2", unit("two", code), wait_s=wait_s)
    assert failed.value.step == f"settle {UNIT}"
    assert "everything was put back" in failed.value.cause
    after, state = deployed.seen()
    assert after == paths
    assert (state["active"], state["environ"]) == ("active", {"QUANTUM_UNIT_DIGEST": "one"})


def test_a_unit_that_fails_on_the_first_deploy_ever_leaves_no_trace(place):
    paths, _ = place.seen()
    with pytest.raises(AgentError, match="the exchange is closed"):
        place.apply("t1", unit("one", BROKEN))
    after, state = place.seen()
    assert after == paths
    assert (state["load"], state["active"]) == ("not-found", "inactive")


def test_a_start_limit_that_was_hit_does_not_stop_the_next_deploy(deployed):
    for _ in range(3):
        deployed.run("systemctl", "restart", UNIT)
    assert deployed.seen()[1]["result"] == "start-limit-hit"
    deployed.apply("t2", unit("two"))
    deployed.session.commit("t2")
    assert deployed.seen()[1]["environ"] == {"QUANTUM_UNIT_DIGEST": "two"}


def test_a_typing_error_in_a_unit_is_refused_before_it_is_placed(deployed):
    paths, before = deployed.seen()
    with pytest.raises(AgentError, match=r"line 14: Unknown key .*'ReloadSignall'"):
        deployed.apply("t2", unit("two") + "ReloadSignall=SIGHUP\n")
    after, state = deployed.seen()
    assert after == paths
    assert state["invocation"] == before["invocation"]


def test_a_broken_neighbour_is_not_this_units_fault(deployed):
    text = "[Service]\nExecStart=/bin/true\nNonsense=1\n"
    deployed.run("python3", "-c", f"open({NEIGHBOUR!r}, 'w').write({text!r})")
    more = "Wants=quantum-agent-neighbour.service"
    deployed.apply("t2", unit("two", more=more))
    deployed.session.commit("t2")
    assert deployed.seen()[1]["environ"] == {"QUANTUM_UNIT_DIGEST": "two"}


def test_a_laptop_that_hangs_up_leaves_the_old_unit_running(deployed):
    paths, _ = deployed.seen()
    deployed.apply("t2", unit("two"))
    deployed.session.close()
    deployed.session = deployed.start()
    assert deployed.said["unfinished"] == []
    after, state = deployed.seen()
    assert after == paths
    assert (state["active"], state["environ"]) == ("active", {"QUANTUM_UNIT_DIGEST": "one"})


def test_a_unit_that_was_stopped_before_is_stopped_after_a_rollback(deployed):
    deployed.run("systemctl", "stop", UNIT)
    deployed.apply("t2", unit("two"))
    assert deployed.seen()[1]["active"] == "active"
    deployed.session.rollback("t2")
    assert deployed.seen()[1]["active"] == "inactive"


def test_a_signal_reaches_the_main_process_and_systemd_restarts_it(deployed):
    before = deployed.seen()[1]
    deployed.session.kill(UNIT)
    words = f"until [ $(systemctl show -P NRestarts {UNIT}) = 1 ]; do sleep 0.05; done"
    deployed.run("timeout", "30", "sh", "-c", words)
    assert deployed.seen()[1]["invocation"] != before["invocation"]
