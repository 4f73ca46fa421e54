"""The demo, as a newcomer runs it: the whole story, and Ctrl-C in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import waiting

PROJECT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def demo(tmp_path):
    """Start the demo with a folder of its own for everything temporary."""
    inventory = tmp_path / "demo.yml"
    inventory.write_text(
        (PROJECT / "inventory/sandbox.yml")
        .read_text()
        .replace("    mode: sandbox\n", f"    mode: sandbox\n    records: {tmp_path}/records\n")
    )
    running = []

    def start() -> subprocess.Popen[str]:
        # whoever runs these tests in the background ignores Ctrl-C, and so would all below
        words = ["env", "--default-signal=INT"]
        words += [sys.executable, "-m", "invoke", "demo", "-i", str(inventory)]
        running.append(
            subprocess.Popen(
                words,
                cwd=PROJECT,
                env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def left_behind(folder: Path) -> list[str]:
    """The demo's temporary folders, and processes that were started from them."""
    mark = f"{folder}/quantum-".encode()
    found = [str(path) for path in folder.glob("quantum-demo-*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def test_the_whole_story_comes_out_as_it_should_and_leaves_nothing(demo, tmp_path):
    process = demo()
    told, _ = process.communicate(timeout=280)
    assert process.returncode == 0, told
    assert "every proof came out as it should" in told
    assert "Traceback" not in told
    assert told.count("killed with") == 2
    for verdict in (
        "every intent ended, and no exchange was asked",
        "placed on the paper exchange",
        "decided more than once and traded once",
        "one_terminal_state of execution",
        "the canary was not read within",
        "every managed path is what it was",
        "zero changes on 1 host",
    ):
        assert verdict in told, told
    assert len(list((tmp_path / "records").glob("*-proof-*"))) == 2
    assert not left_behind(tmp_path)


def test_ctrl_c_in_the_middle_cleans_up_as_well(demo, tmp_path):
    process = demo()
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "apply" in line:
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=120)
    assert process.returncode == 2, "".join(seen) + rest
    assert "interrupted" in rest
    assert "Traceback" not in rest
    waiting.until(lambda: not left_behind(tmp_path))
