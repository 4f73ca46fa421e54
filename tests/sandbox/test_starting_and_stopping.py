"""Units start, stop and fail as systemd would have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.agent.services import ServiceError
from tests.sandbox.boxes import DEADLINE_S, alive, until


def test_a_unit_is_active_only_after_it_said_ready(box):
    box.unit("nothing")
    refused = box.do("start", wait_s=1)
    assert "did not get there within 1 s" in refused["error"]
    assert box.show()["active"] == "activating"
    box.unit("ready")
    box.ask("reload")
    assert box.do("restart") == {"ok": True}
    state = box.show()
    assert (state["active"], state["sub"], state["status_text"]) == ("active", "running", "working")
    assert alive(state["main_pid"])
    assert state["started_at_us"] > 0


def test_a_simple_unit_is_active_at_once(box):
    box.unit("nothing", kind="simple")
    assert box.do("start") == {"ok": True}
    assert box.show()["active"] == "active"


def test_starting_what_runs_changes_nothing_and_a_restart_is_another_invocation(box):
    box.unit()
    box.do("start")
    first = box.show()
    box.do("start")
    assert box.show()["invocation"] == first["invocation"]
    box.do("restart")
    assert box.show()["invocation"] != first["invocation"]
    assert not alive(first["main_pid"])


def test_instances_of_a_unit_run_side_by_side(box):
    names = ("w@1.service", "w@2.service")
    for name in names:
        box.unit(name=name, more=f"Environment=QUANTUM_INSTANCE={name}")
        assert box.do("start", name) == {"ok": True}
    first, second = map(box.show, names)
    assert first["main_pid"] != second["main_pid"]
    assert [each["environ"]["QUANTUM_INSTANCE"] for each in (first, second)] == list(names)
    box.do("stop", names[0])
    assert [box.show(name)["active"] for name in names] == ["inactive", "active"]


def test_a_start_that_fails_says_how_and_the_last_words(box):
    box.unit("say=no-such-table exit=3")
    refused = box.do("start")
    assert "failed" in refused["error"]
    assert "exit code 3" in refused["error"]
    assert "no-such-table" in refused["error"]
    state = box.show()
    assert (state["active"], state["result"], state["main_pid"]) == ("failed", "exit-code", 0)


def test_an_end_before_ready_is_a_protocol_failure(box):
    box.unit("exit=0")
    assert "protocol" in box.do("start")["error"]


def test_no_ready_within_the_start_timeout_is_a_failure(box):
    box.unit("nothing", more="TimeoutStartSec=300ms")
    assert "timeout" in box.do("start")["error"]
    assert box.show()["result"] == "timeout"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("ExecStart=\nExecStart=/nowhere/program", "No such file"),
        ("WorkingDirectory=/nowhere", "No such file"),
        ("EnvironmentFile=/etc/quantum/none.env", "none.env"),
        ("LoadCredential=a:/etc/quantum/credentials/none", "none"),
        ("Type=forking", "Type=forking"),
        ("ExecStart=/bin/true", "ExecStart="),
        ("ExecStart=\nExecStart=-/bin/true", "ExecStart=-"),
        ("TimeoutStopSec=soon", "TimeoutStopSec=soon"),
        ("Restart=sometimes", "Restart=sometimes"),
    ],
)
def test_a_unit_that_cannot_be_run_is_refused_with_the_reason(box, more, said):
    box.unit(more=more)
    assert said in box.do("start")["error"]
    assert box.show()["main_pid"] == 0
    assert box.do("stop") == {"ok": True}


def test_an_unknown_unit_and_an_unknown_word_are_refused(box):
    assert "not found" in box.do("start")["error"]
    assert box.show()["load"] == "not-found"
    assert box.do("stop") == {"ok": True}
    assert "no name" in box.do("start", "../../etc/x.service")["error"]
    assert "nothing is called" in box.do("dance")["error"]
    assert "error" in box.ask("kill")
    assert "no process" in box.do("kill", signal="KILL")["error"]


def test_stop_ends_the_process_and_its_children(box):
    box.unit("child ready")
    box.do("start")
    pid = box.show()["main_pid"]
    child = int((box.root / "child").read_text())
    assert alive(child)
    assert box.do("stop") == {"ok": True}
    assert not alive(pid)
    until(lambda: not alive(child), "its child lives on")
    assert box.show()["active"] == "inactive"


def test_stop_escalates_to_sigkill(box):
    box.unit("ignore ready", more="TimeoutStopSec=300ms")
    box.do("start")
    pid = box.show()["main_pid"]
    assert box.do("stop") == {"ok": True}
    assert not alive(pid)
    assert box.show()["result"] == "timeout"


def test_the_agents_client_speaks_the_protocol(box):
    box.unit()
    box.agent.start(["w.service"], DEADLINE_S)
    assert box.agent.show({"w.service": ()})["w.service"]["active"] == "active"
    box.agent.restart(["w.service"], DEADLINE_S)
    box.agent.reload()
    box.agent.stop(["w.service"])
    box.agent.reset_failed(["w.service", "other.service"])
    with pytest.raises(ServiceError, match=r"other\.service: not found"):
        box.agent.start(["other.service"], DEADLINE_S)


def test_output_goes_to_one_log_per_unit(box):
    box.unit("say=hello ready")
    box.do("start")
    box.do("restart")
    assert box.log() == "hello\nhello\n"
    assert Path(box.root / "var/log/journal").stat().st_mode & 0o007 == 0
