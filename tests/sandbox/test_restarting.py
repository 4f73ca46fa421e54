"""Units come back by themselves when they should, and no more often than they may."""

from __future__ import annotations

from tests.sandbox.boxes import alive, until

ALWAYS = "Restart=always\nRestartSec=10ms"
ON_FAILURE = "Restart=on-failure\nRestartSec=10ms"


def test_a_crash_is_followed_by_a_restart_that_is_counted(box):
    box.unit(more=ALWAYS)
    box.do("start")
    first = box.show()
    assert box.do("kill", signal="KILL") == {"ok": True}
    state = box.becomes(active="active", restarts=1)
    assert state["invocation"] != first["invocation"]
    assert state["main_pid"] != first["main_pid"]
    assert not alive(first["main_pid"])


def test_on_failure_does_not_bring_back_a_clean_end(box):
    box.unit(more=ON_FAILURE)
    box.do("start")
    box.do("kill", signal="TERM")
    state = box.becomes(active="inactive")
    assert (state["restarts"], state["result"]) == (0, "success")


def test_on_failure_brings_back_an_unclean_end(box):
    box.unit("once=1 ready", more=ON_FAILURE)
    box.do("start")
    assert box.becomes(active="active")["restarts"] == 1


def test_without_restart_a_crash_is_a_failure(box):
    box.unit()
    box.do("start")
    box.do("kill", signal="KILL")
    assert box.becomes(active="failed")["result"] == "signal"


def test_a_stop_is_not_undone_by_restart_always(box):
    box.unit(more=ALWAYS)
    box.do("start")
    box.do("stop")
    assert (box.show()["active"], box.show()["restarts"]) == ("inactive", 0)


def test_a_stop_ends_the_wait_for_a_restart(box):
    box.unit("exit=1", more="Restart=always\nRestartSec=1h")
    assert "auto-restart" not in box.do("start")["error"]
    box.becomes(sub="auto-restart")
    assert box.do("stop") == {"ok": True}
    assert box.show()["active"] == "failed"


def test_a_start_counts_restarts_anew(box):
    box.unit(more=ALWAYS)
    box.do("start")
    box.do("kill", signal="KILL")
    box.becomes(active="active", restarts=1)
    box.do("restart")
    assert box.show()["restarts"] == 0


def test_the_start_limit_refuses_until_reset(box):
    box.unit("exit=1", more=ALWAYS, unit="StartLimitIntervalSec=1h\nStartLimitBurst=3")
    box.do("start")
    state = box.becomes(active="failed")
    assert (state["result"], state["restarts"]) == ("start-limit-hit", 3)
    assert "reset-failed" in box.do("start")["error"]
    box.unit(unit="StartLimitIntervalSec=1h\nStartLimitBurst=3")
    box.ask("reload")
    assert "reset-failed" in box.do("start")["error"]
    assert box.do("reset-failed") == {"ok": True}
    assert box.show()["active"] == "inactive"
    assert box.do("start") == {"ok": True}


def test_a_hung_service_is_killed_by_its_watchdog_and_comes_back(box):
    box.unit(more=f"WatchdogSec=300ms\n{ALWAYS}", unit="StartLimitIntervalSec=0")
    box.do("start")
    first = box.show()["main_pid"]
    until(lambda: box.show()["restarts"] >= 1, "no restart")
    assert not alive(first)


def test_without_restart_the_watchdog_leaves_a_failure_that_says_so(box):
    box.unit("ignore ready", more="WatchdogSec=300ms")
    box.do("start")
    assert box.becomes(active="failed")["result"] == "watchdog"


def test_children_that_outlive_a_crashed_process_are_killed(box):
    box.unit("child ready")
    box.do("start")
    child = int((box.root / "child").read_text())
    box.do("kill", signal="KILL")
    box.becomes(active="failed")
    until(lambda: not alive(child), "its child lives on")
