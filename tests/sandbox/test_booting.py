"""One supervisor per root, from boot to shutdown, with nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
from pathlib import Path

import pytest

from harness.errors import ConfigurationError
from harness.host import Host
from harness.sandbox import embedded, starting
from harness.sandbox.host import boot, furnish, prepare, shut_down
from tests.sandbox.boxes import Box, alive, until


def supervisor_of(box: Box) -> int:
    return json.loads((box.root / "run/supervisor.json").read_text())["pid"]


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns)
        for path in root.rglob("*")
        if not str(path.relative_to(root)).startswith("run")
    }


def test_booting_again_changes_nothing(box):
    before, pid = tree(box.root), supervisor_of(box)
    assert boot(box.host) == box.sandbox
    assert supervisor_of(box) == pid
    box.sandbox.shutdown()
    boot(box.host)
    after = tree(box.root)
    assert after == before


def test_a_root_looks_like_a_host(box):
    listed = json.loads((box.root / "etc/quantum-sandbox.json").read_text())
    assert listed["packages"]["redis-server"].startswith(("9", "8", "7"))
    assert len((box.root / "etc/machine-id").read_text().strip()) == 32
    assert (box.root / "usr/bin/python3").resolve().exists()


def test_a_second_supervisor_is_refused(box):
    with starting.lock(box.root) as taken:
        assert taken is None
    assert starting.ensure(box.root) == box.sandbox.control


def test_two_boots_at_once_make_one_supervisor(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    host = Host(name="b", inventory="t", mode="sandbox", roles=(), sandbox=tmp_path / "root")
    with ThreadPoolExecutor(4) as pool:
        booted = list(pool.map(boot, [host] * 4))
    assert len(set(booted)) == 1
    booted[0].shutdown()
    assert not booted[0].is_running


def test_many_make_one_root_at_once(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    server = embedded.find()
    for number in range(30):
        root = tmp_path / str(number)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda _, root=root: furnish(root, server), range(6)))
        assert not list(root.rglob("*/.*")), "nothing is left beside"


def test_a_reboot_starts_what_is_enabled(box):
    box.unit()
    box.unit(name="idle.service")
    box.enable()
    box.sandbox.shutdown()
    assert not box.sandbox.is_running
    box.sandbox = boot(box.host)
    box.becomes(active="active")
    assert box.show("idle.service")["active"] == "inactive"


def test_shutdown_leaves_no_process_and_no_socket(box):
    box.unit("child ready", more="Restart=always")
    box.unit("ignore ready", name="stubborn.service", more="TimeoutStopSec=200ms")
    pids = [supervisor_of(box)]
    for name in ("w.service", "stubborn.service"):
        assert box.do("start", name) == {"ok": True}
        pids.append(box.show(name)["main_pid"])
    pids.append(int((box.root / "child").read_text()))
    folder = box.sandbox.control.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    box.sandbox.shutdown()
    until(lambda: not any(alive(pid) for pid in pids), "something lives on")
    assert not folder.exists()
    shut_down(box.host)


def test_sigterm_shuts_down_in_order(box):
    box.unit()
    box.do("start")
    pids = [supervisor_of(box), box.show()["main_pid"]]
    os.kill(pids[0], signal.SIGTERM)
    until(lambda: not any(alive(pid) for pid in pids), "something lives on")


@pytest.mark.parametrize("child", ["child", "child=away"])
def test_a_killed_supervisor_leaves_no_unmanaged_process_after_the_next_boot(box, child):
    box.unit(f"{child} ready")
    box.enable()
    box.do("start")
    old = [box.show()["main_pid"], int((box.root / "child").read_text())]
    os.kill(supervisor_of(box), signal.SIGKILL)
    starting.wait_gone(box.root)
    assert not box.sandbox.is_running
    box.sandbox = boot(box.host)
    until(lambda: not any(alive(pid) for pid in old), "a double lives on")
    assert box.becomes(active="active")["main_pid"] not in old
    with contextlib.suppress(ProcessLookupError):  # one that left its group outlives a stop
        os.kill(int((box.root / "child").read_text()), signal.SIGKILL)


def test_a_stranger_with_a_recorded_pid_is_spared(box):
    box.sandbox.shutdown()
    box.write("run/supervisor/w.service", f"{os.getpid()} 1 {'0' * 32}")
    box.write("run/supervisor/torn.service", "12")
    box.sandbox = boot(box.host)
    assert not list((box.root / "run/supervisor").iterdir())


def test_a_sockets_folder_of_others_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(starting.tempfile, "gettempdir", lambda: str(tmp_path.parent))
    monkeypatch.setattr(starting, "FOLDER_AT_MOST", 1000)
    folder = starting.sockets(tmp_path)
    folder.chmod(0o755)
    with pytest.raises(ConfigurationError, match="only you may enter"):
        starting.sockets(tmp_path)


def test_a_long_path_of_the_root_is_no_matter(tmp_path):
    root = tmp_path / ("long" * 30) / "root"
    box = Box(root)
    assert len(str(box.sandbox.control)) < 100
    box.sandbox.remove()
    assert not root.exists()


def test_a_password_is_made_once_and_kept(tmp_path):
    root = tmp_path / "sandbox" / "root"
    prepare(root)
    path = root.parent / "redis_password"
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(first) > 40
    prepare(root)
    assert path.read_text() == first
    assert list(root.parent.iterdir()) == [path]


def test_a_root_that_cannot_be_made_is_told_with_host_and_action(tmp_path):
    (tmp_path / "file").touch()
    host = Host(
        name="b", inventory="t", mode="sandbox", roles=(), sandbox=tmp_path / "file" / "root"
    )
    with pytest.raises(ConfigurationError) as caught:
        boot(host)
    assert caught.value.host == "b"
    assert "sandbox_root" in caught.value.action


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("Redis server v=6.2.7 sha=0", "is Redis server v=6.2.7"),
        ("something else", "does not run here"),
    ],
)
def test_a_server_that_is_too_old_or_none_is_refused(tmp_path, monkeypatch, said, verdict):
    old = tmp_path / "redis-server"
    old.write_text(f"#!/bin/sh\necho '{said}'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "WHEEL", "no_such_wheel")
    with pytest.raises(ConfigurationError) as caught:
        embedded.find()
    assert verdict in caught.value.cause
    assert "install" in caught.value.action


def test_the_server_on_path_serves_where_no_wheel_fits(tmp_path, monkeypatch):
    new = tmp_path / "redis-server"
    new.write_text("#!/bin/sh\necho 'Redis server v=7.2.4 sha=0'\n")
    new.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "WHEEL", "no_such_wheel")
    assert embedded.find() == embedded.Server(new, "7.2.4 (local Redis)")


def test_a_wheel_for_another_kind_of_machine_is_passed_over(tmp_path, monkeypatch):
    binary = tmp_path / "other_wheel/_binaries/linux-other/valkey-server"
    binary.parent.mkdir(parents=True)
    (tmp_path / "other_wheel/__init__.py").touch()
    binary.write_bytes(b"\x7fELF of another machine")
    binary.chmod(0o755)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "WHEEL", "other_wheel")
    with pytest.raises(ConfigurationError, match="does not run here"):
        embedded.find()


def test_the_shipped_inventory_keeps_its_password_where_prepare_makes_it():
    from harness.inventory import load
    from harness.inventory.secret_references import PROJECT
    from roles import variables

    (host,) = load("sandbox", variables()).hosts
    assert host.sandbox == PROJECT / ".sandbox/root"
    assert PROJECT / host.values["redis_password"].where == host.sandbox.parent / "redis_password"
    assert host.mode == "sandbox"
    assert host.roles[:2] == ("redis_server", "decision_intelligence")


def test_a_server_that_acts_by_its_name_is_called_by_it(tmp_path, monkeypatch):
    many = tmp_path / "redis-check-rdb"
    many.write_text(
        '#!/bin/sh\ncase "$0" in *redis-server) echo "Redis server v=7.0.15 sha=0";; esac\n'
    )
    many.chmod(0o755)
    (tmp_path / "redis-server").symlink_to("redis-check-rdb")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "WHEEL", "no_such_wheel")
    assert embedded.find().binary == tmp_path / "redis-server"
