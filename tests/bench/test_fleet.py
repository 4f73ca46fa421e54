"""What the fleet's bench tells every tool is our own desired state; no tool is installed here."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.failing import CannotMeasureError
from bench.fleet import far, running, state
from bench.fleet.tools import pyinfra_changes
from bench.results import Result, Spread, at_least, at_most
from commands.wanting import rendered
from harness.host import Host
from harness.masking import Secret

RECAP = """
PLAY RECAP ****
lab1 : ok=9 changed={one} unreachable=0 failed=0 skipped=1 rescued=0 ignored=0
lab2 : ok=9 changed={two} unreachable=0 failed={failed} skipped=1 rescued=0 ignored=0
"""


@pytest.fixture
def desired():
    host = Host(
        name="h", inventory="i", mode="sandbox", roles=("redis_server", "decision_intelligence"),
        address="10.0.0.1", values={"redis_host": "10.0.0.1", "redis_password": Secret("x" * 20)},
    )  # fmt: skip
    return rendered(host)("d" * 64)


def told(desired, had=lambda _: False):
    return state.told(desired, Path("/blobs"), Path("/blobs/r.tar.gz"), had)


def test_everything_that_we_want_is_told_with_content_mode_and_owner(desired):
    said = told(desired)
    files = {each["path"]: each for each in said["files"]}
    assert set(files) == {one.path for one in desired.paths if one.kind == "file"}
    for one in desired.paths:
        if one.kind == "file":
            assert files[one.path] == {
                "path": one.path, "source": f"/blobs/{one.sha256}", "mode": f"{one.mode:04o}",
                "owner": one.owner, "group": one.group,
            }  # fmt: skip
            assert state.contents(desired)[one.sha256] == one.content
    assert [each["path"] for each in said["directories"]] == [
        one.path for one in desired.paths if one.kind == "dir"
    ]
    assert said["units"] == [unit.name for unit in desired.units]
    assert said["packages"] == ["redis-server"]
    assert said["release"]["folder"].endswith("d" * 64)


def test_only_what_nobody_asked_for_and_every_host_has_is_left_out(desired):
    told_of = {each["path"] for each in told(desired, lambda _: True)["directories"]}
    assert told_of == {one.path for one in desired.paths if one.kind == "dir" and not one.implied}


def test_a_unit_is_enabled_by_the_unit_and_not_once_more_by_its_link(desired):
    assert told(desired)["links"] == []


def test_the_play_names_every_part_of_the_state(desired):
    play = json.dumps(state.playbook())
    for part in told(desired):
        assert f"state.{part}" in play


def test_a_recap_that_tells_of_a_change_or_a_failure_is_seen():
    assert state.ansible_changes(RECAP.format(one=0, two=0, failed=0)) == 0
    assert state.ansible_changes(RECAP.format(one=1, two=2, failed=0)) == 3
    assert state.ansible_changes(RECAP.format(one=0, two=0, failed=1)) is None
    assert state.ansible_changes("ERROR! the playbook could not be found") is None


def test_what_pyinfra_changed_is_read_from_its_table():
    assert pyinfra_changes("x\n   \x1b[1mGrand total\x1b[0m   40   -   40   - \n") == 0
    assert pyinfra_changes("   Grand total   40   3   37   - \n") == 3
    with pytest.raises(CannotMeasureError, match="no total"):
        pyinfra_changes("Disconnected")


def test_a_process_that_fails_or_does_not_say_what_it_must_is_not_measured():
    words = [sys.executable, "-c", "import sys; print('done'); sys.exit(int(sys.argv[1]))"]
    assert running.checked([*words, "0"], "done").took_s > 0
    with pytest.raises(CannotMeasureError, match="ended with 3: done"):
        running.checked([*words, "3"], "done")
    with pytest.raises(CannotMeasureError, match="ended with 0"):
        running.checked([*words, "0"], "zero changes")


def test_a_process_that_hangs_is_ended_with_its_children():
    with pytest.raises(CannotMeasureError, match="did not end"):
        running.run([sys.executable, "-c", "import time; time.sleep(60)"], within_s=0.2)


def test_a_promise_that_is_missed_tells_by_how_much():
    def line(ratio, target):
        return Result(topic="t", what="w", value=None, unit="s", ratio=ratio, target=target)

    assert line(Spread.of([1.8]), at_most(1.5, "ratio")).missed_by == "0.3x"
    assert line(Spread.of([1.4]), at_most(1.5, "ratio")).missed_by == ""
    assert line(None, at_least(50)).missed_by == ""
    assert line(None, at_least(50)).verdict == "not met"


def test_round_trips_are_counted_and_what_came_late_is_no_answer():
    """Opening, a question and its answer twice; what is heard at once answers something earlier."""
    out, heard = far.OUT, far.IN
    seen = [(0.0, out), (0.05, heard), (0.051, out), (0.056, heard), (0.057, out), (0.1, heard)]
    assert far.waits(seen, 0.02) == 3
    assert far.waits([(0.0, out)], 0.02) == 1
    assert far.waits([*seen, (0.2, out), (0.25, heard)], 0.02) == 4


@contextlib.contextmanager
def echo():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = server.accept()
                    with sock:
                        while data := sock.recv(100):
                            sock.sendall(data.upper())

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_the_way_carries_what_is_sent_and_counts_three_questions():
    with echo() as port, far.away("127.0.0.1", 0.1, port) as way:
        with socket.create_connection(("127.0.0.1", way.port), 20) as sock:
            for word in (b"a", b"b", b"c"):
                sock.sendall(word)
                assert sock.recv(10) == word.upper()
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(10) == b""
        assert way.round_trips() == 4


def test_the_bench_says_which_options_it_has():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "fleet", "--help"], capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    assert "--ansible-rounds" in done.stdout


def test_the_lock_of_the_tools_has_hashes_and_no_address():
    text = Path("requirements/fleet.txt").read_text()
    assert "ansible-core==" in text
    assert "pyinfra==" in text
    assert "://" not in text
    assert text.count("==") <= text.count("--hash=sha256:")
