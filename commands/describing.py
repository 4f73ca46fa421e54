"""Describe what an inventory says, host by host: as a table, plain lines, or one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.host import Host
from harness.inventory import Inventory

#: Fields of a host that say how it is reached, in this order.
REACHED = ("address", "port", "user", "private_key", "known_hosts", "become", "sandbox")
SSH_PORT = 22


def document(found: Inventory, hosts: Sequence[Host]) -> dict[str, Any]:
    """Return the inventory for `--json`; secrets as their references."""
    return {**_about(found), "hosts": {each.name: _document(each) for each in hosts}}


def print_hosts(found: Inventory, hosts: Sequence[Host], *, fully: bool) -> None:
    """Print the hosts; `fully` with every variable that their roles read."""
    console = Console(highlight=False, soft_wrap=True)
    for name, value in _about(found).items():
        if value:
            console.print(Text(f"{name:10}", style="dim") + Text(_shown(value)))
    if fully:
        for each in hosts:
            _one(console, each)
    else:
        _all(console, hosts)


def _about(found: Inventory) -> dict[str, Any]:
    return {
        "inventory": found.name,
        "mode": found.mode,
        "file": str(found.path),
        "sha256": found.digest,
        "records": str(found.records),
        "ignored": list(found.ignored),
    }


def _document(host: Host) -> dict[str, Any]:
    return {
        **{name: _plain(getattr(host, name)) for name in REACHED},
        "groups": list(host.groups),
        "roles": list(host.roles),
        "absent": list(host.absent),
        "values": {name: _plain(value) for name, value in sorted(host.values.items())},
        "defaults": {name: _plain(value) for name, value in sorted(_defaults(host).items())},
    }


def _plain(value: object) -> Any:
    """Return what JSON can hold; a secret's reference as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)


def _defaults(host: Host) -> dict[str, object]:
    """Return what the host's roles assume where the inventory says nothing."""
    import roles

    return {
        name: default
        for role in roles.of(host)
        for name, default in role.VARIABLES.items()
        if name not in host.values and default not in {None, ""}
    }


def _all(console: Console, hosts: Sequence[Host]) -> None:
    rows = [(h.name, _way(h), ", ".join(h.roles) or "-", _groups(h)) for h in hosts]
    if not console.is_terminal:
        for row in rows:
            console.print(Text("  ".join(row)))
        return
    table = Table("host", "reached at", "roles", "groups", box=None, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _groups(host: Host) -> str:
    return ", ".join(name for name in host.groups if name != "all") or "-"


def _way(host: Host) -> str:
    if host.sandbox:
        return str(host.sandbox)
    user = f"{host.user}@" if host.user else ""
    return f"{user}{host.address}" + (f":{host.port}" if host.port != SSH_PORT else "")


def _one(console: Console, host: Host) -> None:
    console.print(Text(host.name, style="bold"))
    document = _document(host)
    for name in (*REACHED, "groups", "roles", "absent"):
        if document[name] not in (None, []):
            console.print(Text(f"  {name}: ", style="dim") + Text(_shown(document[name])))
    for name, value in document["values"].items():
        console.print(Text(f"  {name}: ", style="cyan") + Text(_shown(value)))
    for name, value in document["defaults"].items():
        console.print(Text(f"  {name}: {_shown(value)} (default)", style="dim"))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
