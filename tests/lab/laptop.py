"""A laptop for tests: types what a person types against the lab, and looks at the hosts itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.choosing import choose
from commands.deploy import carry_out
from commands.outcomes import Outcome
from commands.showing import Display
from lab.entering import inside
from lab.places import LabHost
from tests import starting
from tests.lab import looking

PROJECT = Path(__file__).resolve().parent.parent.parent
CONSUMER = "quantum-p35-decision-intelligence.service"
REDIS = "redis-server.service"
ENV = "/etc/quantum/p35-decision-intelligence.env"
#: How long any one command may take, in seconds; seen: ten at most.
TYPED_WITHIN_S = 240


@dataclass(frozen=True)
class Laptop:
    """One person's inventory, secret and records, and the three hosts it is about."""

    folder: Path
    hosts: tuple[LabHost, ...]

    @property
    def inventory(self) -> Path:
        return self.folder / "hosts.yml"

    @property
    def password(self) -> Path:
        return self.folder / "redis_password"

    @property
    def records(self) -> Path:
        return self.folder / "records"

    def write_inventory(
        self,
        values: Mapping[str, object] | None = None,
        on_hosts: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Write inventory/lab.yml with records and a password of our own, and these changes."""
        text = (PROJECT / "inventory/lab.yml").read_text()
        own = {"records": self.records, "redis_password": f"file:{self.password}"}
        for name, value in {**own, **(values or {})}.items():
            kept = [line for line in text.splitlines() if not line.startswith(f"    {name}:")]
            kept.insert(kept.index("  vars:") + 1, f"    {name}: {value}")
            text = "\n".join(kept) + "\n"
        for host, changes in (on_hosts or {}).items():
            line = next(each for each in text.splitlines() if each.startswith(f"    {host}:"))
            more = "".join(f"\n      {name}: {value}" for name, value in changes.items())
            text = text.replace(f"{line}\n", f"{line}{more}\n", 1)
        self.inventory.write_text(text)

    @contextmanager
    def wanting(
        self,
        values: Mapping[str, object] | None = None,
        on_hosts: Mapping[str, Mapping[str, object]] | None = None,
    ) -> Iterator[None]:
        """While inside, the inventory says something else."""
        self.write_inventory(values, on_hosts)
        try:
            yield
        finally:
            self.write_inventory()

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "invoke", words[0], "-i", str(self.inventory), *words[1:]]

    def start(self, *words: str, **options: Any) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(*words), cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def types(self, *words: str, code: int = 0) -> subprocess.CompletedProcess:
        done = starting.run(self.command(*words)[2:], dict(os.environ), PROJECT, TYPED_WITHIN_S)
        said = f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stdout + done.stderr, said
        assert done.returncode == code, said
        return done

    def asks(self, *words: str, code: int = 0) -> dict:
        return json.loads(self.types(*words, "--json", code=code).stdout)

    def deploys(self, display: Display | None = None, **options: Any) -> Outcome:
        """Deploy in this process, where a test can step in between."""
        chosen = choose(None, str(self.inventory), "")
        return carry_out(chosen, display or Display(quiet=True), yes=True, **options)

    def trees(self) -> dict[str, dict[str, list]]:
        return {host.name: looking.tree(host) for host in self.hosts}

    def units(self) -> dict[str, dict[str, dict[str, str]]]:
        return {host.name: looking.units(host, (CONSUMER, REDIS)) for host in self.hosts}

    def pasts(self) -> dict[str, list[str]]:
        """Return the states of each host's transactions, in no order."""
        return {host.name: looking.transactions(host) for host in self.hosts}

    def rolls_everything_back(self) -> None:
        while self.asks("rollback", "--yes")["state"] != "unchanged":
            pass
        for states in self.pasts().values():
            assert set(states) <= {"rolled_back"}


def only(host: LabHost, laptop: Laptop) -> Sequence[LabHost]:
    """Return the laptop's other hosts."""
    return [each for each in laptop.hosts if each != host]


def read(host: LabHost, path: str) -> str:
    return inside(host, "cat", path).stdout.decode()


def write(host: LabHost, path: str, text: str) -> None:
    inside(host, "sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "write", path,
           stdin=text.encode())  # fmt: skip


def remove(host: LabHost, path: str) -> None:
    inside(host, "rm", "-rf", path)
