"""Show what an inventory says, host by host, after groups and precedence; secrets as references."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, open_inventory
from commands.running import command, print_json

HOST_HELP = "one host (or pattern), with every variable that its roles read"


@command(help={"inventory": INVENTORY_HELP, "host": HOST_HELP, "json": JSON_HELP})
def show(context: Any, inventory: str = "", host: str = "", json: bool = False) -> None:
    """Show hosts, groups, roles and variables; contacts nobody, resolves no secret.

    Examples: invoke inventory.show        invoke inventory.show -i lab --host lab1
    """
    from commands import describing

    found = open_inventory(context, inventory)
    hosts = found.select(host or None)
    if json:
        print_json(describing.document(found, hosts))
    else:
        describing.print_hosts(found, hosts, fully=bool(host))
