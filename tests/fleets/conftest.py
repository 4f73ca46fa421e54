"""Many hosts on one machine: each a directory, a real agent over the local link, units in memory.

What a host should be is one directory and one file; the gate is judged by the test.
"""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

import proofs
from commands import proving, transactions
from commands.choosing import Chosen
from commands.deploy import carry_out
from commands.showing import Display
from commands.terms import Terms
from harness import contact
from harness.batching import parse
from harness.contact import Contact
from harness.deploying import Wanted
from harness.desired import compose
from harness.host import Host
from harness.inventory import Inventory
from harness.rendering import render
from harness.resources import Directory, File
from harness.sandbox import host as sandboxes
from proofs.finding import Finding
from tests.agent.worlds import World

REACH = contact.reach
FOLDER, NOTE = "/etc/quantum/fleet", "/etc/quantum/fleet/note"
#: The machine has two cores and many users; no test waits for it.
PATIENT = {"reach_within_s": 120}


class Fleet:
    """Hosts h01, h02, ... and a deploy over them."""

    def __init__(self, folder: Path, monkeypatch) -> None:
        self.folder, self.monkeypatch = folder, monkeypatch
        self.worlds: dict[str, World] = {}
        self.others: list[Host] = []
        self.text = b"wanted\n"
        self.refused: set[str] = set()  #: hosts whose gate says no
        self.gated: list[list[str]] = []  #: the hosts that each gate was asked about
        self.at_the_gate = lambda _names: None
        self.contacts: dict[str, Contact] = {}

    def grow(self, count: int) -> None:
        for number in range(1, count + 1):
            name = f"h{number:02}"
            scratch = Path(tempfile.mkdtemp(prefix="qo-", dir=self.folder))
            self.worlds[name] = World(scratch / "root", scratch)

    def boot(self, host: Host) -> sandboxes.Sandbox:
        world = self.worlds[host.name]
        return sandboxes.Sandbox(world.root, Path(world.services.control))

    def reach(self, host: Host, on_event) -> Contact:
        self.contacts[host.name] = REACH(host, on_event)
        return self.contacts[host.name]

    def kill_agent(self, name: str) -> None:
        """End a host's agent as a power cut would: it puts nothing back."""
        (process,) = self.contacts[name].link._processes
        process._process.kill()
        process._process.wait()

    def wanted(self, host: Host, _facts, _sources, _only=frozenset()) -> Wanted:
        resources = [Directory(FOLDER, mode=0o750), File(NOTE, self.text, mode=0o640)]
        return Wanted(compose(host, resources, "", render), None)

    def prove(self, contacts, _git, _display, **_) -> list[proving.Claimed]:
        names = [each.host.name for each in contacts]
        self.gated.append(names)
        self.at_the_gate(names)
        return [proving.Claimed(name, self.judged(name)) for name in names]

    def judged(self, name: str) -> proofs.ClaimResult:
        found = Finding.refuted("no") if name in self.refused else Finding.proved()
        return proofs.ClaimResult("stays_up", "It stays up.", "c" * 64, found, b"{}")

    @property
    def chosen(self) -> Chosen:
        hosts = [
            Host(name, "fleet", "sandbox", (), sandbox=world.root, values=PATIENT)
            for name, world in self.worlds.items()
        ] + self.others
        path = self.folder / "fleet.yml"
        inventory = Inventory("fleet", path, "sandbox", "0" * 64, self.records, tuple(hosts))
        return Chosen(inventory, tuple(hosts))

    @property
    def records(self) -> Path:
        return self.folder / "records"

    def deploys(self, serial="", max_fail=0, *, per_batch=False, display=None, **more):
        terms = Terms(parse(serial), max_fail, per_batch)
        shown = display or Display(quiet=True)
        return carry_out(self.chosen, shown, yes=True, terms=terms, **more)

    def note(self, name: str) -> bytes | None:
        path = self.worlds[name].at(NOTE)
        return path.read_bytes() if path.exists() else None

    def changed(self) -> list[str]:
        """Return the hosts on which the file is what is wanted."""
        return [name for name in self.worlds if self.note(name) == self.text]

    def pasts(self, name: str) -> list[str]:
        """Return the states of a host's transactions, as its own store has them."""
        folder = self.worlds[name].root / "var/lib/quantum-ops/tx"
        return sorted(each.name.removeprefix("state-") for each in folder.glob("*/state-*"))

    def last_record(self) -> dict:
        from harness.ledger.records import opened

        lines = (self.records / "ledger.jsonl").read_text().splitlines()
        entry = json.loads(lines[-1])
        return opened((self.records / entry["id"] / "statement.json").read_bytes())["predicate"]


@pytest.fixture
def fleet(monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix="qo-fleet-"))
    made = Fleet(folder, monkeypatch)
    monkeypatch.setattr(sandboxes, "boot", made.boot)
    monkeypatch.setattr(contact, "reach", made.reach)
    monkeypatch.setattr(transactions, "wanted", made.wanted)
    monkeypatch.setattr(proving, "prove", made.prove)
    yield made
    for world in made.worlds.values():
        world.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def blackhole():
    """A port that lets everybody in and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]
