"""Everybody's command line for the same hosts: ours, Fabric's, pyinfra's, Ansible's."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.failing import CannotMeasureError
from bench.fleet import running, state
from bench.fleet.hosts import Fleet
from bench.fleet.running import Ran
from lab import places

INVOKE = (str(Path(sys.executable).parent / "invoke"),)
HERE = Path(__file__).parent
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Tools:
    """How each is started; `python` is the interpreter of the environment that the others have."""

    fleet: Fleet
    folder: Path
    python: str

    def ours(self, inventory: Path | None = None, expected: str = "zero changes on") -> Ran:
        """Deploy; raises CannotMeasureError unless it says what it must."""
        words = (*INVOKE, "deploy", "-i", str(inventory or self.fleet.inventory), "--yes")
        return running.checked(words, expected)

    def plan(self) -> str:
        """Return what our plan would still change, as JSON."""
        words = (*INVOKE, "plan", "-i", str(self.fleet.inventory), "--json")
        return running.checked(words, '"changes"').said

    def fabric(self) -> Ran:
        """Run `python3 -c pass` everywhere by Fabric, from our own environment."""
        words = (
            sys.executable, "-m", "bench.fleet.by_fabric", str(places.CLIENT_KEY),
            str(places.KNOWN_HOSTS), places.USER, *(host.address for host in self.fleet.hosts),
        )  # fmt: skip
        return running.checked(words, "")

    def pyinfra(self) -> tuple[Ran, int]:
        """Deploy by pyinfra; returns how many operations changed something, too."""
        words = (
            str(Path(self.python).parent / "pyinfra"), "-y", str(HERE / "pyinfra_hosts.py"),
            str(HERE / "by_pyinfra.py"),
        )  # fmt: skip
        ran = running.checked(
            words, "Grand total",
            {
                "FLEET_STATE": str(self.fleet.state), "FLEET_USER": places.USER,
                "FLEET_KEY": str(places.CLIENT_KEY), "FLEET_KNOWN_HOSTS": str(places.KNOWN_HOSTS),
            },
        )  # fmt: skip
        return ran, pyinfra_changes(ran.said)

    def ansible(self) -> tuple[Ran, int]:
        """Deploy by Ansible; returns how many tasks changed something, too."""
        given = {
            "playbook.json": state.as_json(state.playbook()),
            "hosts.json": state.as_json(
                state.ansible_inventory(state.read(self.fleet.state))
            ),
            "ansible.cfg": state.ansible_cfg(
                places.USER, places.CLIENT_KEY, places.KNOWN_HOSTS, self.folder / "sockets"
            ),
        }  # fmt: skip
        for name, text in given.items():
            (self.folder / name).write_text(text)
        words = (
            str(Path(self.python).parent / "ansible-playbook"), "-i",
            str(self.folder / "hosts.json"), str(self.folder / "playbook.json"),
        )  # fmt: skip
        env = {
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(self.folder / "ansible"), "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        ran = running.checked(words, "PLAY RECAP", env)
        changes = state.ansible_changes(ran.said)
        if changes is None:
            raise CannotMeasureError("Ansible failed on a host")
        return ran, changes

    def list_commands(self) -> Ran:
        """Have `invoke --list` printed."""
        return running.checked((*INVOKE, "--list"), "deploy")


def pyinfra_changes(said: str) -> int:
    """Return how many operations changed something on any host, by pyinfra's own table."""
    for line in COLOURS.sub("", said).splitlines():
        found = re.search(r"Grand total\s+(\S+)\s+(\S+)\s+(\S+)", line)
        if found:
            return 0 if found[2] == "-" else int(found[2])
    raise CannotMeasureError("pyinfra's results have no total")
