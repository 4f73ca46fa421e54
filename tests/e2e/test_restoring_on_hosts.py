"""A restore on several hosts is one on all or on none, and says where trading is in doubt."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from commands import restoring, snapshots
from commands.choosing import choose
from commands.showing import Display
from harness.errors import ConfigurationError
from harness.ledger.ledger import Ledger

SECOND = """\
        other:
          ansible_connection: local
          sandbox_root: {folder}/other
"""


@pytest.fixture
def two(person):
    """Two hosts, each with a file that a snapshot holds, and which is another one now."""
    text = person.inventory.read_text() + SECOND.format(folder=person.folder)
    person.inventory.write_text(text)
    chosen = choose(SimpleNamespace(config={}), str(person.inventory), "")
    person.types("plan")  # boots the sandboxes
    files = [person.folder / root / "etc/app.conf" for root in ("root", "other")]
    for path in files:
        path.write_text("kept\n")
    with Display(quiet=True) as display:
        kept = snapshots.take(chosen, ["/etc/app.conf"], display)["snapshot"]
    for path in files:
        path.write_text("changed\n")
    return chosen, kept, files


def restored(chosen, kept):
    with Display(quiet=True) as display:
        return restoring.carry_out(chosen, kept, display, yes=True)


def test_all_hosts_are_restored_or_none(two, monkeypatch):
    chosen, kept, files = two

    def meanwhile(_question, *, yes):
        files[1].write_text("changed once more\n")
        return yes

    with monkeypatch.context() as patched:
        patched.setattr(restoring, "confirm", meanwhile)
        told = restored(chosen, kept)
    assert (told["state"], told["exit_code"]) == ("rolled_back", 1)
    assert (
        "other, plan: what is on the host is not what the plan was made for" in told["reasons"][0]
    )
    assert [path.read_text() for path in files] == ["changed\n", "changed once more\n"]
    told = restored(chosen, kept)
    assert (told["state"], told["exit_code"]) == ("restored", 0)
    assert [path.read_text() for path in files] == ["kept\n", "kept\n"]
    outcomes = [(e.kind, e.outcome) for e in Ledger(chosen.inventory.records).entries()]
    assert outcomes == [("backup", "kept"), ("restore", "rolled_back"), ("restore", "restored")]


def test_where_execution_runs_for_real_its_kill_switch_is_asked_for_first(two):
    chosen, kept, files = two
    testnet = dataclasses.replace(chosen.inventory, mode="testnet")
    told = restored(dataclasses.replace(chosen, inventory=testnet), kept)
    # no Redis answers there, so nobody knows: the files come back, and the exit code says it
    assert told["state"] == "restored"
    assert told["may_trade"] == ["box", "other"]
    assert told["exit_code"] == 2
    assert files[0].read_text() == "kept\n"


def test_a_snapshot_that_one_host_cannot_take_is_an_error_and_the_other_keeps_its_own(two):
    chosen, _, files = two
    (files[1].parent / "app").symlink_to("/etc")
    (files[0].parent / "app").mkdir()
    with Display(quiet=True) as display, pytest.raises(Exception, match="is a symbolic") as failed:
        snapshots.take(chosen, ["/etc/app/b"], display)
    assert failed.value.host == "other"
    last = Ledger(chosen.inventory.records).entries()[-1]
    assert (last.kind, last.outcome) == ("backup", "failed")
    with Display(quiet=True) as display:
        held = snapshots.show(chosen, display)["hosts"]
    assert (len(held["box"]), len(held["other"])) == (2, 1)
    with pytest.raises(ConfigurationError, match="no snapshot") as refused:
        restored(chosen, last.id)
    assert "--limit box" in refused.value.action
