"""One host as the inventory describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Mode = Literal["sandbox", "testnet", "live"]


@dataclass(frozen=True, slots=True)
class Host:
    """A host to deploy to; `values` are its merged inventory variables, secrets as `Secret`."""

    name: str
    inventory: str  #: the inventory's name, e.g. "lab"
    mode: Mode
    roles: tuple[str, ...]  #: without those that are absent
    groups: tuple[str, ...] = ()
    address: str = ""  #: what to connect to; the name when the inventory gives none
    port: int = 22
    user: str | None = None  #: None: what ssh_config or the laptop's user says
    private_key: Path | None = None
    known_hosts: Path | None = None  #: None: ~/.ssh/known_hosts
    become: bool = False  #: run the agent by `sudo -n`
    sandbox: Path | None = None  #: the directory that stands for the host's root; None: a real host
    values: Mapping[str, object] = field(default_factory=dict)
    absent: tuple[str, ...] = ()  #: roles whose services must not be here

    def text(self, key: str, default: str = "") -> str:
        """Return a variable as text; secrets stay masked."""
        return str(self.values.get(key, default))

    def number(self, key: str, default: int) -> int:
        """Return an integer variable."""
        return int(str(self.values.get(key, default)))
