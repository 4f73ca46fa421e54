"""Each kind of step of a fault against the real thing: it takes effect, it is seen, it goes."""

import itertools
import os
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.agent import fault_units, step_kill, systemd
from harness.agent.failing import AgentError as Refused
from harness.agent.machine import Machine
from harness.agent.processes import Ended
from harness.agent.systemd import Systemd
from harness.errors import AgentError, InDoubtError
from harness.fingerprints import differences
from tests.agent import grounds
from tests.agent.grounds import PORT
from tests.agent.worlds import META
from tests.waiting import until

NAMES = (f"f{number}" for number in itertools.count(1))


@pytest.fixture
def fault(ground):
    """A function that arms steps; what was armed is undone, and the host is at its baseline."""
    session = ground.hand()
    before = ground.fingerprint(session)
    armed = []

    def arm(*steps, **more):
        armed.append(next(NAMES))
        return ground.arm(session, armed[-1], *steps, **more)

    arm.session = session
    yield arm
    for name in reversed(armed):
        if ground.state(name):
            assert session.fault_undo(name, meta=META)["state"] == "rolled_back"
            assert session.fault_undo(name, meta=META)["state"] == "rolled_back"
            assert not ground.switch(name).exists()
    assert differences(before, ground.fingerprint(session)) == []


def seen(said):
    return [each["on"] for each in said["observed"]]


def states(ground, unit):
    """The states of all processes of a unit, as the kernel tells them."""
    session = str(ground.box.show(unit)["main_pid"])
    stats = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stats.append(path.read_text().rpartition(")")[2].split())
        except OSError:
            continue
    return [each[0] for each in stats if each[3] == session and each[0] not in "ZX"]


def test_a_frozen_unit_stands_still_and_runs_on(ground, fault):
    pid = ground.box.show("frozen.service")["main_pid"]
    until(lambda: len(states(ground, "frozen.service")) == 3)
    said = fault(grounds.freeze())
    assert seen(said) == [True]
    assert states(ground, "frozen.service") == ["T"] * 3
    fault.session.fault_undo(said["tx"], meta=META)
    assert "T" not in states(ground, "frozen.service")
    assert ground.box.show("frozen.service")["main_pid"] == pid


def test_the_processes_of_a_unit_of_systemd_are_those_of_its_group(monkeypatch):
    """By whatever group this test is in: the words that ask systemd are all that is made up."""
    group = Path("/proc/self/cgroup").read_text().splitlines()[0].split(":", 2)[2]
    monkeypatch.setattr(systemd, "run", lambda *_: Ended(0, f"{group}\n", ""))
    pids = [each["pid"] for each in fault_units.processes(Machine("", Systemd()), "x.service")]
    assert os.getpid() in pids
    monkeypatch.setattr(systemd, "run", lambda *_: Ended(0, f"{group}/none\n", ""))
    assert fault_units.processes(Machine("", Systemd()), "x.service") == []
    monkeypatch.setattr(systemd, "run", lambda *_: Ended(0, "\n", ""))
    assert fault_units.processes(Machine("", Systemd()), "x.service") == []


def test_who_was_stopped_by_another_hand_is_not_let_run_on(ground, fault):
    until(lambda: len(states(ground, "frozen.service")) == 3)
    pid = ground.box.show("frozen.service")["main_pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        said = fault(grounds.freeze())
        fault.session.fault_undo(said["tx"], meta=META)
        # one that was let run on may be running still
        until(lambda: sorted(states(ground, "frozen.service")) == ["S", "S", "T"])
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("more", [{}, {"all": True}, {"signal": "TERM"}])
def test_a_killed_unit_has_another_process(ground, fault, more):
    before = ground.box.show("killed.service")
    (said,) = fault(grounds.kill(**more))["observed"]
    assert said["on"]
    after = ground.box.becomes("killed.service", active="active")
    assert after["main_pid"] != before["main_pid"]


def test_what_a_kill_leaves_down_the_undo_starts(ground, fault):
    place = ground.box.write("run/systemd/system/killed.service.d/no.conf", "[Service]\nRestart=no")
    ground.box.ask("reload")
    ground.box.do("restart", "killed.service")
    try:
        said = fault(grounds.kill())
        ground.box.becomes("killed.service", active="failed")
        fault.session.fault_undo(said["tx"], meta=META)
        assert ground.box.show("killed.service")["active"] == "active"
    finally:
        place.unlink()
        place.parent.rmdir()
        ground.box.ask("reload")
        ground.box.do("restart", "killed.service")


def test_who_has_just_died_is_not_killed_again():
    """A zombie is the main process until somebody has looked at its end."""
    with subprocess.Popen(["true"]) as dead:
        until(lambda: Path(f"/proc/{dead.pid}/stat").read_text().split()[2] == "Z")
        services = SimpleNamespace(
            show=lambda _: {
                "x.service": {"load": "loaded", "active": "active", "main_pid": dead.pid}
            },
            pids=lambda _: [dead.pid],
        )
        with pytest.raises(Refused, match="has no main process"):
            step_kill.refuse(SimpleNamespace(services=services), {"unit": "x.service"})
        dead.wait()


NEVER_READY = "[Service]\nType=notify\nRestart=no\nExecStart=\nExecStart=/bin/sleep 3600"


def test_who_cannot_come_up_yet_keeps_no_other_fault_from_being_undone(ground, fault):
    """As a consumer that was killed and waits for the Redis that another fault holds."""
    place = ground.box.write("run/systemd/system/killed.service.d/no.conf", NEVER_READY)
    try:
        said, other = fault(grounds.kill()), fault(grounds.held())
        ground.box.ask("reload")
        ground.box.do("stop", "killed.service")
        with pytest.raises(InDoubtError, match=r"not seen gone: kill killed\.service"):
            fault.session.fault_undo(said["tx"], meta=META, gone_within_s=0.2)
        assert ground.state(said["tx"]) == "undoing"
        assert ground.switch(said["tx"]).exists()  # its host goes on by itself
        fault.session.fault_undo(other["tx"], meta=META)
        assert ground.box.show("held.service")["active"] == "active"
        assert seen(fault(grounds.mode())) == [True]  # nor from being injected
    finally:
        place.unlink()
        place.parent.rmdir()
        ground.box.ask("reload")
        ground.box.do("stop", "killed.service")
    fault.session.fault_undo(said["tx"], meta=META, gone_within_s=30.0)
    assert ground.box.show("killed.service")["active"] == "active"


def test_a_held_unit_is_down_and_comes_back(ground, fault):
    said = fault(grounds.held())
    assert ground.box.show("held.service")["active"] == "inactive"
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.box.show("held.service")["active"] == "active"


def ping(ground):
    return ground.inside("timeout", "0.5", "redis-cli", "-p", str(PORT), "ping", check=False)


@pytest.mark.parametrize("hook", ["input", "output"])
def test_a_partition_lets_nothing_through_and_counts_it(ground, fault, hook):
    rule = {"hook": hook, "to": "127.0.0.1", "dport": PORT, "act": "drop"}
    said = fault(grounds.nft(rule))
    assert ping(ground).returncode == 124
    (now,) = fault.session.fault_observe(said["tx"])["observed"]
    assert now["on"]
    assert now["packets"] >= 1
    fault.session.fault_undo(said["tx"], meta=META)
    assert ping(ground).stdout == "PONG\n"


def test_a_reset_is_a_refusal_at_once_and_a_loss_loses_some(ground, fault):
    said = fault(grounds.nft({"hook": "input", "dport": PORT, "act": "reset"}))
    assert "Connection refused" in ping(ground).stderr
    fault.session.fault_undo(said["tx"], meta=META)
    said = fault(grounds.nft({"hook": "input", "dport": PORT, "act": "lose", "percent": 99}))

    def lost():
        ping(ground)
        return fault.session.fault_observe(said["tx"])["observed"][0]["packets"]

    until(lost)


def writing(path):
    return ("dd", "if=/dev/zero", f"of={path}", "bs=1", "count=1")


def test_a_full_disk_takes_no_byte_and_hides_nothing_for_good(ground, fault):
    (ground.root / "srv/full/kept").write_text("kept")
    said = fault(grounds.mount("full"))
    path = f"{ground.root}/srv/full"
    tried = ground.inside(*writing(f"{path}/new"), check=False)
    assert "No space left" in tried.stderr
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.inside("ls", path).stdout == "kept\n"


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_cover_is_seen_by_a_unit_with_a_view_of_its_own(ground, fault, how):
    """What systemd gives a unit follows the host's mounts, with its own for what it may write."""
    path = f"{ground.root}/srv/{how}"
    script = f"mount --bind {path} {path} && exec cat"
    words = ("unshare", "--mount", "--propagation", "slave", "sh", "-c", script)
    unit = subprocess.Popen(ground.within(*words), stdin=subprocess.PIPE)
    try:
        until(lambda: Path(f"/proc/{unit.pid}/comm").read_text() == "cat\n")
        said = fault(grounds.mount(how))
        inside = ("nsenter", "-t", str(unit.pid), "--mount")
        words = (*inside, *writing(f"{path}/new"))
        tried = subprocess.run(words, capture_output=True, text=True, check=False)
        assert "No space left" in tried.stderr or "Read-only file system" in tried.stderr
        fault.session.fault_undo(said["tx"], meta=META)
        subprocess.run(words, check=True, capture_output=True)
        (ground.root / f"srv/{how}/new").unlink()
    finally:
        unit.stdin.close()
        unit.wait(30)


def test_a_cover_that_is_in_use_goes_all_the_same(ground, fault):
    fault(grounds.mount("full"))
    user = subprocess.Popen(
        ground.within("sh", "-c", f"exec 3< {ground.root}/srv/full/.full; exec cat"),
        stdin=subprocess.PIPE,
    )
    until(lambda: Path(f"/proc/{user.pid}/comm").read_text() == "cat\n")
    said = fault.session.faults()[-1]
    assert fault.session.fault_undo(said["tx"], meta=META)["state"] == "rolled_back"
    user.stdin.close()
    user.wait(30)


def test_a_mode_goes_back_only_where_it_is_still_ours(ground, fault):
    path = ground.root / grounds.MODE_OF.lstrip("/")
    said = fault(grounds.mode())
    assert path.stat().st_mode & 0o777 == 0
    fault.session.fault_undo(said["tx"], meta=META)
    assert path.stat().st_mode & 0o777 == 0o640
    said = fault(grounds.mode())
    path.chmod(0o600)  # somebody else's by now
    fault.session.fault_undo(said["tx"], meta=META)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)


def test_settings_rules_and_pace_of_redis_change_and_come_back(ground, fault):
    ground.cli("ACL", "SETUSER", "known", "on", "#" + "ab" * 32, "~a:*", "&c", "+get", "(+set ~k)")
    ground.cli("CONFIG", "SET", "maxmemory", "123mb")
    before = ground.cli("ACL", "LIST")
    said = fault(
        grounds.redis(config={"maxmemory": "2mb", "maxmemory-policy": "allkeys-lru"}),
        grounds.redis(acl={"user": "known", "rules": ["resetpass", "off"]}),
        grounds.redis(acl={"user": "unknown", "rules": ["on", "+@all"]}),
        grounds.redis(pause={"ms": 600_000, "what": "write"}),
    )
    assert seen(said) == [True] * 4
    assert ground.cli("CONFIG", "GET", "maxmemory").split() == ["maxmemory", str(2 << 20)]
    assert "user known off" in ground.cli("ACL", "LIST")
    slow = ground.inside("timeout", "0.5", "redis-cli", "SET", "k", "v", check=False)
    assert slow.returncode == 124
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.cli("ACL", "LIST") == before
    assert ground.cli("CONFIG", "GET", "maxmemory").split() == ["maxmemory", str(123 << 20)]
    ground.cli("ACL", "DELUSER", "known")
    ground.cli("CONFIG", "SET", "maxmemory", "0")


def test_a_redis_that_was_started_since_has_nothing_to_undo(ground, fault):
    said = fault(grounds.redis(config={"timeout": "99"}))
    ground.redis.kill()
    ground.redis.wait()
    (down,) = fault.session.fault_observe(said["tx"])["observed"]
    assert (down["on"], down["gone"]) == (False, True)
    ground.start_redis()
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.cli("CONFIG", "GET", "timeout").split()[-1] == "0"


def test_the_password_comes_from_its_file_and_is_kept_nowhere(ground, fault):
    secret = "a-secret-that-nobody-keeps"
    path = ground.box.write("etc/quantum/redis_password", secret + "\n")
    ground.cli("ACL", "SETUSER", "boss", "on", f">{secret}", "~*", "&*", "+@all")
    step = {"user": "boss", "password_file": "/etc/quantum/redis_password"}
    said = fault(grounds.redis(config={"timeout": "66"}, **step))
    kept = [p.read_bytes() for p in (ground.root / grounds.FAULTS).rglob("*") if p.is_file()]
    assert kept
    assert not any(secret.encode() in each for each in kept)
    fault.session.fault_undo(said["tx"], meta=META)
    path.write_text("wrong")
    with pytest.raises(AgentError, match="Redis says: WRONGPASS"):
        fault(grounds.redis(config={"timeout": "66"}, **step))
    path.unlink()
    ground.cli("ACL", "DELUSER", "boss")


def test_a_dropin_reaches_the_process_and_leaves_it(ground, fault):
    def points():
        return ground.box.show("dressed.service")["environ"].get("QUANTUM_FAILPOINTS")

    said = fault(grounds.dropin())
    assert points() == "here=1*kill"
    fault.session.fault_undo(said["tx"], meta=META)
    assert points() is None
    pid = ground.box.show("dressed.service")["main_pid"]
    said = fault(grounds.dropin(restart=False))
    assert points() is None
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.box.show("dressed.service")["main_pid"] == pid, "no reason to start it anew"


def test_a_unit_that_a_dropin_keeps_from_coming_up_comes_up_after_it(ground, fault):
    lines = ["[Service]", "ExecStart=", "ExecStart=/bin/false", "Restart=no", "Type=notify"]
    step = {"do": "dropin", "unit": "dressed.service", "lines": lines, "restart": True}
    with pytest.raises(AgentError, match="everything was put back"):
        fault(step)
    assert ground.box.show("dressed.service")["active"] == "active"
    said = fault(step | {"anyhow": True})
    assert ground.box.show("dressed.service")["active"] == "failed"
    fault.session.fault_undo(said["tx"], meta=META)
    assert ground.box.show("dressed.service")["active"] == "active"
