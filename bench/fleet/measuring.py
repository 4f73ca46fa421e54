"""Measure deploying on ten lab hosts beside Fabric, pyinfra and Ansible, and print the ratios.

python -m bench fleet [--rounds N] [--ansible-rounds N] [--hosts N] [--no-tools] [--json]

Needs root on Debian, as the lab does, and no lab that is up. Exit codes: as python -m bench.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import machine, printing
from bench.failing import CannotMeasureError
from bench.fleet import far, hosts
from bench.fleet.hosts import Fleet
from bench.fleet.tools import Tools
from bench.peers import environment
from bench.results import Result, Spread, at_least, at_most, exit_code, ratios
from harness.errors import QuantumError
from lab import places

FIRST, NOTHING, AWAY, LISTING = (
    "first deploy", "nothing to change, whole process",
    "one host, 50 ms away, nothing to change", "invoke --list",
)  # fmt: skip
ROUND_TRIP_S = 0.05
LISTINGS = 10
#: All rounds of what changes nothing together, in seconds; fewer are made where they take longer.
WITHIN_S = 900.0


def main(words: list[str]) -> int:
    """Measure; return the exit code."""
    asked = _options(words)
    before, started = machine.busy_share(), time.monotonic()
    failed: list[str] = []
    results: list[Result] = []
    try:
        with hosts.alone(), tempfile.TemporaryDirectory(prefix="quantum-fleet-") as folder:
            results += _Measured(asked, Path(folder), failed).lines()
    except (CannotMeasureError, QuantumError) as error:
        failed.append(f"fleet: {error}")
    about = {
        "hosts": str(asked.hosts),
        "machine": machine.words(before, machine.busy_share()),
        "took": f"{time.monotonic() - started:.0f} s",
    }
    (printing.as_json if asked.json else printing.table)(results, about)
    for each in failed:
        _say(f"NOT MEASURED  {each}")
    return exit_code(results, failed)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench fleet")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7, help="of ours beside Fabric's")
    parser.add_argument("--ansible-rounds", type=int, default=2, help="and of pyinfra, one more")
    parser.add_argument("--no-tools", action="store_true", help="leave pyinfra and Ansible out")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(words)


class _Measured:
    """One run; what could not be measured is put into `failed`."""

    def __init__(self, asked: argparse.Namespace, folder: Path, failed: list[str]) -> None:
        self.asked, self.folder, self.failed = asked, folder, failed
        self.python = ""
        if not asked.no_tools:
            try:
                self.python = environment.python("fleet")
            except CannotMeasureError as error:
                failed.append(f"pyinfra and Ansible: {error}")

    def lines(self) -> Iterator[Result]:
        """Yield the table, part by part."""
        theirs_first = self._first_by_ansible() if self.python else None
        fleet = self._fresh()
        self.tools = Tools(fleet, self.folder, self.python)
        _say(f"the state: {fleet.steps}")
        first = self.tools.ours(expected="committed:").took_s
        yield Result(
            topic=FIRST, what="ours, gate and proofs included", value=Spread.of([first]), unit="s",
            ratio=ratios([theirs_first], [first]) if theirs_first else None,
            against="Ansible's to ours", target=at_least(10),
            note="once each, on fresh hosts; Ansible asks no service whether it works",
        )  # fmt: skip
        if theirs_first:
            yield Result(topic=FIRST, what="Ansible", value=Spread.of([theirs_first]), unit="s")
        yield from self._nothing()
        yield from self._away(fleet)
        listed = [self.tools.list_commands().took_s for _ in range(LISTINGS)]
        yield Result(
            topic=LISTING, what="whole process", value=Spread.of(listed), unit="s",
            target=at_most(0.25),
        )  # fmt: skip

    def _fresh(self) -> Fleet:
        _say(f"{self.asked.hosts} fresh hosts")
        return hosts.fresh(self.asked.hosts, self.folder)

    def _first_by_ansible(self) -> float | None:
        tools = Tools(self._fresh(), self.folder, self.python)
        try:
            took_s = tools.ansible()[0].took_s
            left = json.loads(tools.plan())
        except CannotMeasureError as error:
            self.failed.append(f"Ansible's first deploy: {error}")
            return None
        steps = [step for one in left["hosts"].values() for step in one["steps"]]
        _say(f"Ansible's first deploy: {took_s:.0f} s; our plan after it has {len(steps)} steps")
        if steps:
            told = ", ".join(sorted({f"{each['verb']} {each['what']}" for each in steps})[:4])
            self.failed.append(f"Ansible's first deploy: it left another state: {told}")
            return None
        return took_s

    def _nothing(self) -> Iterator[Result]:
        """Take turns, so that what slows the machine slows both."""
        until = time.monotonic() + WITHIN_S
        pairs = [
            (self.tools.fabric().took_s, self.tools.ours().took_s)
            for _ in self._rounds(self.asked.rounds, until)
        ]
        fabric, ours = ([pair[which] for pair in pairs] for which in (0, 1))
        yield Result(
            topic=NOTHING, what="ours", value=Spread.of(ours), unit="s",
            ratio=ratios(ours, fabric), against="to Fabric", target=at_most(1.5, "ratio"),
            note="all of the state looked at, as root",
        )  # fmt: skip
        yield Result(
            topic=NOTHING, what="Fabric's ThreadingGroup, python3 -c pass",
            value=Spread.of(fabric), unit="s", note="not as root: the floor",
        )  # fmt: skip
        if self.python:
            rounds = self.asked.ansible_rounds
            yield self._beside("pyinfra", rounds + 1, 4, until, "its own default settings")
            fast = "pipelining, forks 10, ControlPersist, no facts"
            yield self._beside("ansible", rounds, 50, until, fast)

    def _beside(self, name: str, rounds: int, floor: float, until: float, note: str) -> Result:
        theirs: list[float] = []
        ours: list[float] = []
        void = ""
        try:
            getattr(self.tools, name)()  # it writes what it keeps, and opens its connections
            for _ in self._rounds(rounds, until):
                ran, changes = getattr(self.tools, name)()
                void = void or (f"VOID: it reports {changes} changes" if changes else "")
                theirs.append(ran.took_s)
                ours.append(self.tools.ours().took_s)
        except CannotMeasureError as error:
            void = str(error)
        if void:
            self.failed.append(f"{name}: {void}")
        return Result(
            topic=NOTHING, what=name, value=None if void else Spread.of(theirs), unit="s",
            ratio=None if void else ratios(theirs, ours), against="to ours",
            target=at_least(floor), note=void or f"zero changes; {note}",
        )  # fmt: skip

    @staticmethod
    def _rounds(most: int, until: float) -> Iterator[int]:
        for number in range(most):
            if number and time.monotonic() > until:
                return
            yield number

    def _away(self, fleet: Fleet) -> Iterator[Result]:
        """One host of several roles, as far as its sshd is concerned behind a proxy."""
        host = fleet.hosts[0]
        counts: list[float] = []
        took: dict[float, list[float]] = {0.0: [], ROUND_TRIP_S: []}
        with (
            far.away(host.address, 0.0) as near,
            far.away(host.address, ROUND_TRIP_S) as away,
        ):
            for _ in range(min(5, self.asked.rounds)):
                for each in (near, away):
                    ran = self.tools.ours(self._behind(fleet, each.port))
                    took[each.round_trip_s].append(ran.took_s)
                counts.append(float(away.round_trips()))
        yield Result(
            topic=AWAY, what="round trips, counted on the way", value=Spread.of(counts), unit="",
            target=at_most(8), note="TCP's own is one of them",
        )  # fmt: skip
        more = [(b - a) / ROUND_TRIP_S for a, b in zip(took[0.0], took[ROUND_TRIP_S], strict=True)]
        yield Result(
            topic=AWAY, what="whole process", value=Spread.of(took[ROUND_TRIP_S]), unit="s",
            note=f"{Spread.of(more).median:.1f} round trips longer than without the delay",
        )  # fmt: skip

    def _behind(self, fleet: Fleet, port: int) -> Path:
        """Return an inventory of the first host alone, behind a port of this machine."""
        host = fleet.hosts[0]
        known = self.folder / f"known_hosts-{port}"
        key = Path(f"{host.host_key}.pub").read_text()
        known.write_text(f"[127.0.0.1]:{port} {key}")
        lines = fleet.inventory.read_text().replace(str(places.KNOWN_HOSTS), str(known))
        address = f"{{ansible_host: {host.address}}}"
        behind = f"{{ansible_host: 127.0.0.1, ansible_port: {port}}}"
        others = {f"    {each.name}:" for each in fleet.hosts[1:]}
        kept = [
            line for line in lines.replace(address, behind).splitlines()
            if not any(line.strip().startswith(other.strip()) for other in others)
        ]  # fmt: skip
        path = self.folder / f"far-{port}.yml"
        path.write_text("\n".join(kept) + "\n")
        return path


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
