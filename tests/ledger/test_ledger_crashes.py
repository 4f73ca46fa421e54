"""An append that is killed at any point leaves a ledger that verifies, and the next one goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.ledger.auditing import verify
from harness.ledger.verifying import Weight

PROJECT = Path(__file__).parent.parent.parent

#: Appends one record and kills itself before the Nth call to the disk, or amid the Nth write.
APPENDER = """
import os, signal, sys
sys.path[:0] = [{project!r}, {here!r}]
from pathlib import Path
from conftest import proof
from harness.ledger.ledger import Ledger
left = [{point}]
def die_at(name):
    real = getattr(os, name)
    def call(*words):
        left[0] -= 1
        if left[0] == 0:
            if name == "write":
                real(words[0], bytes(words[1])[: len(words[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words)
    setattr(os, name, call)
for name in ("write", "fsync", "rename", "mkdir"):
    die_at(name)
ledger = Ledger(Path({root!r}))
print("ready", flush=True)
entry = ledger.append(proof())
print(entry.id, flush=True)
"""


def appender(root, point=0):
    text = APPENDER.format(
        project=str(PROJECT), here=str(Path(__file__).parent), root=str(root), point=point
    )
    return subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=PROJECT
    )


@pytest.mark.parametrize("point", range(1, 24))
def test_kill_9_at_any_call_to_the_disk_harms_no_earlier_entry(
    ledger, three, checks, a_proof, point
):
    process = appender(ledger.root, point)
    _, errors = process.communicate(timeout=120)
    assert process.returncode in (-signal.SIGKILL, 0), errors.decode()
    survived = ledger.entries()
    assert survived[:3] == tuple(three)
    found = verify(ledger.root, checks)
    assert {problem.weight for problem in found} <= {Weight.doubt}
    assert {problem.kind for problem in found} <= {"torn_line", "orphan"}
    after = ledger.append(a_proof())
    assert after.sequence == len(survived) + 1
    assert {problem.kind for problem in verify(ledger.root, checks)} <= {"orphan"}
    assert not list(ledger.root.glob(".new-*"))


def test_the_points_reach_past_the_end_of_an_append(ledger, three):
    process = appender(ledger.root, 10_000)
    said, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert ledger.entries()[-1].id == said.decode().split()[-1]


def test_appends_at_the_same_time_all_land_in_one_chain(ledger, three, problems):
    processes = [appender(ledger.root) for _ in range(4)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert [entry.sequence for entry in ledger.entries()] == [1, 2, 3, 4, 5, 6, 7]
    assert problems() == []
