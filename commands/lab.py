"""Disposable real hosts on this machine, to deploy to, to prove and to break."""

from __future__ import annotations

import os
import sys
from typing import Any

from commands.running import command
from harness.errors import LabError


@command(help={"hosts": "how many", "suite": "bookworm, trixie, or both in turn: bookworm,trixie"})
def up(_context: Any, hosts: int = 3, suite: str = "bookworm") -> None:
    """Have real hosts up: systemd, sshd, Redis, a sudo user. Needs root; safe to repeat.

    Example: invoke lab.up --hosts 3 && invoke deploy -i lab --yes
    """
    from lab import hosts as lab
    from lab import places

    def tell(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    for host in lab.up(hosts, suite, tell=tell):
        sys.stdout.write(f"{host.name}  {host.address}  up\n")
    usual = hosts == places.USUAL_HOSTS
    sys.stdout.write(f"use it with: -i {'lab' if usual else places.INVENTORY}\n")


@command
def down(_context: Any) -> None:
    """Take the lab off this machine, whoever started it and whatever died; safe to repeat.

    Example: invoke lab.down
    """
    from lab import hosts as lab

    gone = lab.down()
    names = ", ".join(host.name for host in gone)
    sys.stdout.write(f"down: {names}\n" if gone else "there was no lab\n")


@command(positional=["host"], help={"host": "e.g. lab1"})
def ssh(_context: Any, host: str) -> None:
    """Log in to a host of the lab as its sudo user.

    Example: invoke lab.ssh lab1
    """
    from lab import places

    found = {each.name: each for each in places.existing()}
    if host not in found:
        raise LabError(
            f"no such host; the lab has {', '.join(found) or 'none'}",
            host=host,
            step="lab.ssh",
            action="invoke lab.up",
        )
    os.execvp(  # noqa: S606 - the words are ours, and the terminal is to be ssh's own
        "ssh",
        (
            "ssh", "-i", str(places.CLIENT_KEY), "-o", f"UserKnownHostsFile={places.KNOWN_HOSTS}",
            "-o", "IdentitiesOnly=yes", f"{places.USER}@{found[host].address}",
        ),
    )  # fmt: skip
