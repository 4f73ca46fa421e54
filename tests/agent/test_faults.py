"""Faults beside deploys and beside each other, and a host that has to allow them itself."""

import os
import subprocess
import sys
import time

import pytest

from harness.agent import faults_allowed
from harness.agent.failing import AgentError as Refused
from harness.agent.machine import Machine
from harness.agent.supervisor import Supervisor
from harness.errors import AgentError, ConfigurationError, LockedError
from harness.fingerprints import differences
from tests.agent import grounds
from tests.agent.worlds import META
from tests.waiting import until


def armed(ground, name, *steps, **more):
    return ground.arm(ground.hand(), name, *(steps or (grounds.mode(),)), **more)


@pytest.fixture
def healed(ground):
    yield
    ground.hand().fault_heal(meta=META)
    ground.allow()
    assert ground.hand().faults() == []


def test_a_fault_outlives_its_connection_and_another_one_ends_it(ground, healed):
    session = ground.session()
    ground.arm(session, "kept", grounds.mode())
    session.close()
    other = ground.session()
    (told,) = other.faults()
    assert (told["tx"], told["state"], told["operator"]) == ("kept", "active", "ada")
    assert told["steps"] == ["mode /etc/quantum/some.env"]
    assert told["left_s"] > 60
    assert other.fault_observe("kept")["observed"][0]["on"]
    assert other.fault_heal(meta=META) == {"healed": ["kept"]}
    assert other.fault_heal(meta=META) == {"healed": []}
    assert [each["tx"] for each in other.faults(over=True)][-1] == "kept"
    with pytest.raises(AgentError, match="no fault 'none' on this host"):
        other.fault_undo("none", meta=META)
    other.close()


def test_a_deploy_goes_on_while_a_fault_is_active_and_neither_sees_the_other(ground, healed):
    armed(ground, "beside", grounds.freeze())
    session = ground.session()
    assert session.hello_said["transactions"] == []
    assert session.hello_said["unfinished"] == []
    assert session.hello_said["lock"] is None
    step = {"do": "file", "path": "/etc/new", "mode": 0o644, "owner": "root", "group": "root"}
    blob = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    step |= {"blob": blob, "sha256": blob, "before": {"kind": "absent"}}
    session.apply("t1", kind="deploy", meta=META, steps=[step], blobs={blob: b"foo"})
    with pytest.raises(AgentError, match="neither committed nor rolled back"):
        ground.arm(session, "within", grounds.mode())
    armed(ground, "amid", grounds.held())
    session.commit("t1")
    session.rollback()
    session.close()
    told = ground.hand().faults()
    assert [each["tx"] for each in told] == ["beside", "amid"]
    assert all(ground.hand().fault_observe(each["tx"])["observed"][0]["on"] for each in told)


def test_while_one_is_armed_no_other_is(ground, healed):
    armed(ground, "before")  # whatever there was: now there is a lock
    lock = str(ground.root / grounds.FAULTS / "lock")
    words = ("flock", "-x", lock, "sh", "-c", "echo held; exec cat")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        # its own word for it: somebody else may have held it a moment ago
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError):
            armed(ground, "second")
        holder.stdin.close()
    assert ground.state("second") == ""


def test_there_are_so_many_at_once_and_the_old_ones_are_forgotten(ground, healed):
    for number in range(8):
        armed(ground, f"many-{number}", grounds.nft({"hook": "input", "dport": 9, "act": "drop"}))
    with pytest.raises(AgentError, match="8 faults at once already"):
        armed(ground, "one-more")
    assert ground.hand().fault_heal(meta=META)["healed"][0] == "many-7"
    store = ground.root / grounds.FAULTS / "tx"
    before = len(list(store.iterdir()))
    for number in range(22 - before):
        (store / f"old-{number}").mkdir()
        (store / f"old-{number}/meta.json").write_text(
            f'{{"sequence": {-number}, "kind": "fault", "steps": []}}'
        )
        (store / f"old-{number}/state-rolled_back").touch()
    armed(ground, "newest")
    assert len(list(store.iterdir())) == 21


@pytest.mark.parametrize("ttl_s", [0, -1, 3601, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(ground, ttl_s):
    with pytest.raises(AgentError, match="lasts up to 3600 s"):
        armed(ground, "timeless", ttl_s=ttl_s)


def test_a_fingerprint_says_what_is_different(ground, healed):
    before = ground.fingerprint(ground.hand())
    assert before["nft"] == []
    armed(ground, "all", *grounds.everything())
    found = "\n".join(differences(before, ground.fingerprint(ground.hand())))
    for each in (
        "nft: new: {'table': {'family': 'inet', 'name': 'quantum_ops_all_11'",
        "mounts: new: '", "modes: /etc/quantum/some.env:",
        "units: held.service: active: 'active' became 'inactive'",
        "files: /run/systemd/system/dressed.service.d/quantum-ops-all-5.conf is new",
        "stopped: frozen.service: 0 became 3", "redis: 6379: config: maxmemory",
        "redis: 6379: users: new",
    ):  # fmt: skip
        assert each in found
    assert len(differences(before, {})) == len(before)
    assert differences(before, before) == []
    assert differences({"a": [1, 1]}, {"a": [1]}) == [
        "a: in another order, or another number of times"
    ]


def test_asking_for_the_same_fault_twice_leaves_it_as_it_is(ground, healed):
    armed(ground, "same")
    with pytest.raises(AgentError, match="the transaction same exists already"):
        armed(ground, "same", grounds.held())
    assert ground.hand().fault_observe("same")["observed"][0]["on"]
    assert ground.box.show("held.service")["active"] == "active"


def test_two_faults_do_not_change_the_same(ground, healed):
    """Each would be undone to what the other one has made of it."""
    *most, _, _ = grounds.everything()  # without a pause, which would hold up looking at the rest
    armed(ground, "first", *most)
    for step in (
        grounds.mode(to=0o600), grounds.mount() | {"how": "read-only"}, grounds.freeze(),
        grounds.redis(config={"timeout": "1"}),
        grounds.redis(acl={"user": "somebody", "rules": ["off"]}),
    ):  # fmt: skip
        with pytest.raises(AgentError, match="the fault first has changed the same"):
            armed(ground, "second", step)
    assert ground.state("second") == ""


def test_the_next_boot_undoes_what_it_finds(ground, healed):
    armed(ground, "cut", grounds.mode(), grounds.held())
    folder = str(ground.switch("cut").parent)
    words = (sys.executable, "-I", "-S", f"{folder}/agent.pyz", "boot", folder)
    assert ground.inside(*words).returncode == 0
    assert ground.state("cut") == "rolled_back"
    assert ground.box.show("held.service")["active"] == "active"


STUCK = """
_undo = undo
def undo(machine, record):
    if os.path.exists(machine.at("/stuck")):
        raise OSError(5, "it is stuck")
    _undo(machine, record)
"""


def test_an_undo_that_is_hindered_is_tried_again_by_the_host(ground, healed, another_agent):
    another_agent("step_mode.py", STUCK)
    another_agent("expiring.py", "\nRETRY_EVERY_S = 0.1\n")
    session = ground.session()
    hindrance = ground.box.write("stuck", "")
    ground.arm(session, "hindered", grounds.mode())
    session.close()
    ground.due("hindered")
    until(lambda: ground.state("hindered") == "undoing")
    hindrance.unlink()
    until(lambda: ground.over("hindered"))


def test_in_the_sandbox_whoever_has_the_directory_is_in_roots_place(tmp_path, monkeypatch):
    path = tmp_path / grounds.MARKER
    path.parent.mkdir(parents=True)
    path.write_text(f"inventory=sandbox\nuntil={LATER}\n")
    sandbox = Machine(str(tmp_path), Supervisor(""), honour_owners=False)
    faults_allowed.refuse(sandbox, "sandbox", "sandbox")
    monkeypatch.setattr("os.geteuid", lambda: 1234)
    with pytest.raises(Refused, match="it belongs to the user 0, not to 1234"):
        faults_allowed.refuse(sandbox, "sandbox", "sandbox")


# --- the guard --------------------------------------------------------------------------------


def gone(path):
    path.unlink()


def owned_by_another(path):
    os.chown(path, 1, 0)


def writable_by_others(path):
    path.chmod(0o664)


def in_a_folder_of_others(path):
    path.parent.chmod(0o777)


def a_link(path):
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def a_folder(path):
    path.unlink()
    path.mkdir()


def says(*lines):
    return lambda path: path.write_text("\n".join(lines) + "\n")


LATER = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
CLOSED = {
    "absent": (gone, "it is not there"),
    "another's": (owned_by_another, "it belongs to the user 1, not to 0"),
    "writable": (writable_by_others, "it can be written by others"),
    "open folder": (in_a_folder_of_others, "its folder can be written by others"),
    "link": (a_link, "cannot be read"),
    "folder": (a_folder, "no faults on this host"),
    "other inventory": (says("inventory=prod", f"until={LATER}"), "'prod', not to 'test'"),
    "no inventory": (says("inventory=", f"until={LATER}"), "'', not to 'test'"),
    "expired": (says("inventory=test", "until=2026-01-01T00:00:00Z"), "was over at"),
    "no expiry": (says("inventory=test"), "does not say inventory and until"),
    "no time": (says("inventory=test", "until=tomorrow"), "its time 'tomorrow' is none"),
    "more": (says("inventory=test", f"until={LATER}", "x=y"), "each once"),
    "twice": (says("inventory=test", "inventory=test", f"until={LATER}"), "each once"),
    "empty": (says(""), "does not say"),
    "endless": (says("#" * 5000), "no small file"),
}


@pytest.fixture
def marker(ground):
    path = ground.allow()
    yield path
    path.parent.chmod(0o755)
    path.with_suffix(".real").unlink(missing_ok=True)
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    ground.allow()


@pytest.mark.parametrize("case", CLOSED)
def test_a_host_that_does_not_clearly_allow_it_is_not_broken(ground, marker, case):
    spoil, why = CLOSED[case]
    spoil(marker)
    with pytest.raises(AgentError, match=why):
        armed(ground, "refused")
    assert ground.state("refused") == ""


@pytest.mark.parametrize("mode", ["live", "Live", "", "production"])
def test_mode_live_and_whatever_is_not_clear_is_refused_on_both_sides(ground, mode):
    with pytest.raises(ConfigurationError, match="faults are for sandbox and testnet alone"):
        armed(ground, "live", mode=mode)
    words = {"tx": "live", "steps": [grounds.mode()], "ttl_s": 9, "inventory": "test", "meta": META}
    for asked in ({"mode": mode}, {"mode": None}, {"mode": ["testnet"]}, {}):
        with pytest.raises(AgentError, match="faults are for sandbox and testnet alone"):
            ground.hand()._ask({"do": "fault_arm", **words, **asked}, 60)
    assert ground.state("live") == ""


def test_a_service_that_is_live_speaks_for_itself(ground):
    path = ground.box.write("etc/quantum/execution.env", 'A=1\nQUANTUM_MODE="live"\n')
    with pytest.raises(AgentError, match=r"execution\.env says QUANTUM_MODE=live"):
        armed(ground, "live")
    path.unlink()


def test_what_was_allowed_once_is_undone_always(ground, marker):
    armed(ground, "allowed")
    marker.unlink()
    assert ground.hand().fault_undo("allowed", meta=META)["state"] == "rolled_back"
