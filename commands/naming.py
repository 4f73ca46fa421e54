"""Have the inventory's name typed before its hosts are broken: a plain yes is said too soon."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from commands.choosing import Chosen
from harness.errors import ConfigurationError

if TYPE_CHECKING:
    from commands.showing import Display


def expect_name(chosen: Chosen, display: Display, what: str, step: str, *, yes: bool) -> None:
    """Show the hosts, and raise unless the name is typed or --yes was; no terminal is a no."""
    name = chosen.inventory.name
    display.idle()
    for host in chosen.hosts:
        where = host.sandbox or host.address or host.name
        display.say(f"{host.name}  {where}  mode {host.mode}", "cyan")
    typed = name if yes else ""
    if not yes and sys.stdin.isatty():
        sys.stderr.write(f"{what}. Type {name!r} to go on: ")
        sys.stderr.flush()
        typed = sys.stdin.readline().strip()
    if typed != name:
        raise ConfigurationError(
            "not confirmed; nothing may be broken", step=step,
            action=f"type {name!r} when asked, or --yes where there is no terminal",
        )  # fmt: skip
