"""What a command announced and did not live to record is recorded in doubt by the next one."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import LedgerError
from harness.ledger import announcing
from harness.ledger.ledger import Ledger
from tests.ledger.conftest import CHECKS, proof

PROJECT = Path(__file__).parents[2]
DYING = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{project!r}, {here!r}]
from conftest import proof
from harness.ledger.ledger import Ledger
ledger = Ledger(Path({root!r}))
about = proof(kind="deploy", outcome="in_doubt", claims=(), evidence={{}}, id="tx-1")
said = ledger.announce(about)
print("announced", flush=True)
if {recorded}:
    ledger.append(proof(id="tx-1"))
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""
ANNOUNCED = proof(kind="deploy", outcome="in_doubt", claims=(), evidence={}, subjects=(), id="tx-1")


def left(ledger):
    return list(ledger.root.glob(f"{announcing.PREFIX}*"))


def dying(ledger, *, recorded=False):
    text = DYING.format(
        project=str(PROJECT), here=str(Path(__file__).parent), root=str(ledger.root),
        recorded=recorded,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    )
    assert process.stdout.readline() == b"announced\n"
    return process


def killed(process):
    process.communicate(b"now\n", timeout=60)
    assert process.returncode == -signal.SIGKILL


def test_what_dies_before_its_record_is_in_doubt_once_and_the_ledger_verifies(ledger, three):
    process = dying(ledger)
    assert ledger.settle() == []  # it lives, and may still say how it ended
    before = ledger.entries()
    killed(process)
    (entry,) = ledger.settle()
    assert (entry.id, entry.kind, entry.outcome) == ("tx-1", "deploy", "in_doubt")
    assert entry.hosts == ("red", "blue")
    assert ledger.settle() == []
    assert not left(ledger)
    assert ledger.entries() == (*before, entry)
    assert announcing_problems(ledger) == []


def test_whoever_writes_the_next_record_settles_first(ledger):
    killed(dying(ledger))
    entry = ledger.append(proof())
    assert [each.id for each in ledger.entries()] == ["tx-1", entry.id]


def test_what_was_recorded_is_not_recorded_again(ledger):
    killed(dying(ledger, recorded=True))
    assert len(left(ledger)) == 1
    assert ledger.settle() == []
    assert [each.id for each in ledger.entries()] == ["tx-1"]
    assert not left(ledger)


def test_a_record_without_its_line_leaves_another_one_in_doubt(ledger):
    killed(dying(ledger))
    (ledger.root / "tx-1").mkdir()
    (entry,) = ledger.settle()
    assert (entry.id, entry.outcome) == ("tx-1-in_doubt", "in_doubt")


def test_one_that_is_torn_was_never_acted_upon(ledger, three):
    torn = ledger.root / f"{announcing.PREFIX}tx-2"
    torn.write_bytes(json.dumps({"kind": "deploy"}).encode()[:-3])
    assert ledger.settle() == []
    assert not torn.exists()


def test_what_is_over_leaves_nothing(ledger):
    with ledger.announce(ANNOUNCED) as announced:
        assert announced.id == "tx-1"
        assert ledger.settle() == []  # it is this very process that lives
        announced.over()
    assert not left(ledger)
    with ledger.announce(replace(ANNOUNCED, id="")) as named:
        pass
    assert named.id.endswith("-deploy-000000")
    (entry,) = ledger.settle()  # let go, and never over
    assert entry.id == named.id


def test_what_cannot_be_announced_is_told(tmp_path):
    (tmp_path / "records").write_text("no folder")
    with pytest.raises(LedgerError, match="nothing can be written"):
        Ledger(tmp_path / "records").announce(ANNOUNCED)


def test_what_cannot_be_settled_waits(ledger, three, monkeypatch):
    killed(dying(ledger))
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "no room")))
    with pytest.raises(LedgerError, match="no room"):
        ledger.settle()
    monkeypatch.undo()
    assert len(left(ledger)) == 1
    (entry,) = ledger.settle()
    assert entry.id.startswith("tx-1")


def announcing_problems(ledger):
    from harness.ledger.auditing import verify

    return verify(ledger.root, CHECKS)
