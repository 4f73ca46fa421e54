"""A process gets what its unit says, the laptop's own environment not included."""

from __future__ import annotations

import hashlib
import json


def told(box) -> dict:
    return json.loads((box.root / "told").read_text())


def test_environment_credentials_and_directory_reach_the_process(box):
    box.write("etc/quantum/w.env", '# why\nQUANTUM_A=one\nB="two words \\$5"\n C = three \n')
    box.write("etc/quantum/credentials/w/key", "s3cret")
    box.unit(
        "tell ready",
        more="Environment=QUANTUM_U=u QUANTUM_A=lost\nEnvironmentFile=/etc/quantum/w.env\n"
        "EnvironmentFile=-/etc/quantum/absent.env\nWorkingDirectory=/var/lib/redis\n"
        "LoadCredential=key:/etc/quantum/credentials/w/key",
    )
    assert box.do("start") == {"ok": True}
    state, had = box.show(), told(box)
    assert had["secrets"] == {"key": "s3cret"}
    assert had["cwd"] == str(box.root / "var/lib/redis") == state["cwd"]
    environ = had["environ"]
    assert (environ["QUANTUM_A"], environ["B"], environ["C"]) == ("one", "two words $5", "three")
    assert state["environ"] == {"QUANTUM_A": "one", "QUANTUM_U": "u"}
    assert state["credentials"] == {"key": hashlib.sha256(b"s3cret").hexdigest()}
    assert state["cmdline"][0] == str(box.root / "usr/bin/python3")
    assert state["cmdline"][3:] == [str(box.root / "worker.py"), "tell", "ready"]
    assert environ["INVOCATION_ID"] == state["invocation"]


def test_a_changed_credential_shows_only_after_a_restart(box):
    place = box.write("etc/quantum/key", "old")
    box.unit(more="LoadCredential=key:/etc/quantum/key")
    box.do("start")
    place.write_text("new")
    assert box.show()["credentials"] == {"key": hashlib.sha256(b"old").hexdigest()}
    box.do("restart")
    assert box.show()["credentials"] == {"key": hashlib.sha256(b"new").hexdigest()}
    box.do("stop")
    assert box.show()["credentials"] == {}
    assert not (box.root / "run/credentials/w.service").exists()


def test_the_laptops_environment_stays_outside(box, monkeypatch):
    monkeypatch.setenv("QUANTUM_LEAK", "secret")
    box.sandbox.shutdown()
    box.sandbox = type(box)(box.root).sandbox
    box.unit("tell ready", more="WatchdogSec=1h")
    box.do("start")
    assert set(told(box)["environ"]) - {"LC_CTYPE"} == {
        "PATH", "LANG", "HOME", "INVOCATION_ID", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY",
        "WATCHDOG_USEC",
    }  # fmt: skip


def test_a_credential_is_never_taken_from_the_laptop(box):
    box.unit(more="LoadCredential=key:/etc/hostname")
    assert "hostname" in box.do("start")["error"]


def test_a_path_in_the_command_never_leads_to_the_laptops_file(box):
    box.unit("ready /etc/hostname /bin/sh")
    box.do("start")
    root = box.root
    assert box.show()["cmdline"][5:] == [f"{root}/etc/hostname", f"{root}/bin/sh"]


def test_dropins_merge_by_name_and_the_operators_win(box):
    box.unit("tell ready", more="Environment=QUANTUM_A=unit\nEnvironment=QUANTUM_KEPT=1")
    box.write("lib/systemd/system/w.service.d/10.conf", "[Service]\nEnvironment=QUANTUM_A=10\n")
    box.write("lib/systemd/system/w.service.d/20.conf", "[Service]\nEnvironment=QUANTUM_A=lost\n")
    box.write("etc/systemd/system/w.service.d/20.conf", "[Service]\nEnvironment=QUANTUM_A=20\n")
    box.do("start")
    state = box.show()
    assert state["environ"] == {"QUANTUM_A": "20", "QUANTUM_KEPT": "1"}
    assert state["fragment"] == "/etc/systemd/system/w.service"
    assert state["dropins"] == [
        "/lib/systemd/system/w.service.d/10.conf", "/etc/systemd/system/w.service.d/20.conf",
    ]  # fmt: skip


def test_an_empty_value_in_a_dropin_forgets_what_was_said(box):
    box.unit("exit=1")
    command = "/usr/bin/python3 -I -S /worker.py ready"
    box.write(
        "etc/systemd/system/w.service.d/a.conf", f"[Service]\nExecStart=\nExecStart={command}"
    )
    assert box.do("start") == {"ok": True}


def test_a_unit_is_what_it_was_until_reload(box):
    box.unit(more="Environment=QUANTUM_A=old")
    box.do("start")
    assert box.show()["need_reload"] is False
    box.unit(more="Environment=QUANTUM_A=new")
    assert box.show()["need_reload"] is True
    box.do("restart")
    assert box.show()["environ"] == {"QUANTUM_A": "old"}
    box.ask("reload")
    assert box.show()["need_reload"] is False
    assert box.show()["environ"] == {"QUANTUM_A": "old"}
    box.do("restart")
    assert box.show()["environ"] == {"QUANTUM_A": "new"}


def test_a_new_dropin_needs_a_reload_and_a_removed_unit_keeps_running(box):
    box.unit()
    box.do("start")
    box.write("etc/systemd/system/w.service.d/a.conf", "[Service]\nRestart=always\n")
    assert box.show()["need_reload"] is True
    (box.root / "etc/systemd/system/w.service").unlink()
    box.ask("reload")
    assert (box.show()["load"], box.show()["active"]) == ("not-found", "active")
    assert box.do("stop") == {"ok": True}


def test_what_is_not_honoured_is_named(box):
    box.unit(unit="After=network.target\nDescription=w\nBurst=1",
             more="MemoryMax=256M\nSystemCallFilter=@a\nSystemCallFilter=~@b\n"
                  "StartLimitBurst=3\nRestart=always")  # fmt: skip
    assert box.show()["not_honoured"] == [
        "After", "Burst", "MemoryMax", "SystemCallFilter", "StartLimitBurst",
    ]  # fmt: skip
    box.unit(more="Restart=always")
    box.ask("reload")
    assert box.show()["not_honoured"] == []


def test_enabled_is_a_link(box):
    box.unit()
    assert box.show()["enabled"] == ""
    box.write("etc/systemd/system/w.service.d/i.conf", "[Install]\nWantedBy=multi-user.target\n")
    box.ask("reload")
    assert box.show()["enabled"] == "disabled"
    box.enable()
    assert box.show()["enabled"] == "enabled"
