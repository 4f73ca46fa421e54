"""What this laptop has for deploying: Python, git, keys, known hosts, a server for the sandbox."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from commands.choosing import Chosen
from commands.examining import Line, State, of_error
from harness.errors import QuantumError
from harness.host import Host

OLDEST_PYTHON = (3, 11)
LAPTOP = "laptop"


def laptop_lines() -> list[Line]:
    """Return what holds whatever the inventory says."""
    return [_python(), _git(), _lab()]


def inventory_lines(chosen: Chosen) -> list[Line]:
    """Return what the chosen hosts need of this laptop."""
    remote = [host for host in chosen.hosts if not host.sandbox]
    lines = [Line(LAPTOP, "inventory", State.ok, f"{chosen.inventory.path.name},"
                  f" mode {chosen.inventory.mode}, {len(chosen.hosts)} hosts")]  # fmt: skip
    if remote:
        lines += [*_keys(remote), *_known_hosts(remote)]
    if len(remote) < len(chosen.hosts):
        lines.append(_server())
    return lines


def _python() -> Line:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Line(LAPTOP, "python", State.wrong, f"{version}, {oldest} is needed", "make setup")
    return Line(LAPTOP, "python", State.ok, version)


def _git() -> Line:
    from commands.recording import git_state

    state = git_state()
    if state["commit"] is None:
        why = "no commit is known, so no proof can say what was deployed from"
        return Line(LAPTOP, "git", State.unknown, why, "git status, in the project's folder")
    at = f"at {state['commit'][:12]}"
    if state["dirty"]:
        why = f"{at} with uncommitted changes, which no proof outside a sandbox accepts"
        return Line(LAPTOP, "git", State.note, why, "git commit")
    return Line(LAPTOP, "git", State.ok, f"{at}, clean")


def _lab() -> Line:
    from lab.prerequisites import missing_here

    if wants := missing_here():
        return Line(LAPTOP, "lab", State.note, f"cannot run here: it needs {' and '.join(wants)}")
    return Line(LAPTOP, "lab", State.ok, "can run here: invoke lab.up")


def _server() -> Line:
    from harness.sandbox import embedded

    try:
        return Line(LAPTOP, "sandbox", State.ok, f"its Redis is {embedded.find().version}")
    except QuantumError as error:
        return of_error(LAPTOP, "sandbox", error)


def _keys(hosts: list[Host]) -> Iterator[Line]:
    """Tell for each key file whether it loads; without one, what ssh itself would try."""
    from harness.links import private_keys

    for path in sorted({host.private_key for host in hosts if host.private_key}):
        try:
            kind = private_keys.load(path).get_name()
        except QuantumError as error:
            yield of_error(LAPTOP, "ssh key", error)
        else:
            yield Line(LAPTOP, "ssh key", State.ok, f"{path} ({kind})")
    if all(host.private_key for host in hosts):
        return
    found = [f"{count} in the agent"] if (count := _in_agent()) else []
    found += [str(path) for path in sorted(Path("~/.ssh").expanduser().glob("id_*"))
              if path.suffix != ".pub"]  # fmt: skip
    if found:
        yield Line(LAPTOP, "ssh key", State.ok, ", ".join(found))
    else:
        why = "no agent with a key, none in ~/.ssh, none in the inventory; ssh_config may name one"
        yield Line(LAPTOP, "ssh key", State.unknown, why, "ssh-add, or ssh-keygen -t ed25519")


def _in_agent() -> int:
    if not os.environ.get("SSH_AUTH_SOCK"):
        return 0
    import paramiko

    try:
        agent = paramiko.Agent()
        keys = len(agent.get_keys())
        agent.close()
    except (OSError, paramiko.SSHException):
        return 0
    return keys


def _known_hosts(hosts: list[Host]) -> Iterator[Line]:
    from harness.links import known_hosts
    from harness.links.ssh import destination

    known = 0
    for host in hosts:
        try:
            where = destination(host)
            if known_hosts.keys_for(where):
                known += 1
                continue
        except QuantumError as error:
            yield of_error(host.name, "host key", error)
            continue
        action = f"invoke hosts.trust -i {host.inventory} --limit {host.name}"
        yield Line(host.name, "host key", State.wrong, f"{where.entry} is not known", action)
    if known:
        yield Line(LAPTOP, "known hosts", State.ok, f"{known} of {len(hosts)}")
