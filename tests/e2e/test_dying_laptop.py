"""A laptop that dies between two hosts' confirms: each host is whole, and the ledger says so."""

import os
import signal
import subprocess
import sys

import pytest

from harness.inventory import load
from harness.sandbox.host import shut_down
from tests.e2e.conftest import INVENTORY, PROJECT, free_port

TWO = """\
    others:
      vars:
        roles: [decision_intelligence]
      hosts:
        two:
          ansible_connection: local
          sandbox_root: {folder}/two
"""
#: Types a deploy; dies when the second host is to be told, once the first one has answered.
DYING = """
import os, signal, threading
from commands import transactions
from invoke.main import program

told, first = transactions.confirm, threading.Event()

def confirm(contact, *more):
    if contact.host.name == "two":
        assert first.wait(120)
        os.kill(os.getpid(), signal.SIGKILL)
    state = told(contact, *more)
    first.set()
    return state

transactions.confirm = confirm
program.run({words!r})
"""


@pytest.fixture
def fleet(person):
    text = (INVENTORY + TWO).format(port=free_port(), folder=person.folder)
    person.inventory.write_text(text.replace(", strategy_router, execution]", "]"))
    yield person
    for host in load(str(person.inventory)).hosts:
        shut_down(host)


def test_the_ledger_says_what_its_laptop_did_not_live_to_say(fleet):
    fleet.types("deploy", "--yes")
    assert not fleet.asks("plan")["changes"]
    fleet.inventory.write_text(
        fleet.inventory.read_text().replace("snapshot_interval_s: 1", "snapshot_interval_s: 2")
    )
    words = ["invoke", "deploy", "-i", str(fleet.inventory), "--yes"]
    done = subprocess.run(
        [sys.executable, "-c", DYING.format(words=words)], cwd=PROJECT, env=dict(os.environ),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    first, second = fleet.asks("history")["records"]
    assert (first["outcome"], second["outcome"]) == ("committed", "in_doubt")
    assert second["hosts"] == ["box", "two"]
    said = fleet.asks("ledger.show", "--id", second["id"])["statement"]["predicate"]
    assert said["states"] == {"box": "in_doubt", "two": "in_doubt"}
    fleet.types("ledger.verify")
    # the first host keeps it, the second has put everything back; the next deploy brings both home
    lacks = {host: len(said["steps"]) for host, said in fleet.asks("plan")["hosts"].items()}
    assert lacks["box"] == 0 < lacks["two"]
    fleet.types("deploy", "--yes")
    assert [each["outcome"] for each in fleet.asks("history")["records"]][2:] == ["committed"]
