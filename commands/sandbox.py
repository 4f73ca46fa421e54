"""The sandbox on this machine: a host that runs on after a deploy until it is taken down."""

from __future__ import annotations

import sys
from typing import Any

from commands.choosing import INVENTORY_HELP, open_inventory
from commands.running import command
from harness.errors import ConfigurationError


@command(help={"inventory": INVENTORY_HELP, "remove": "delete its directory and data as well"})
def down(context: Any, inventory: str = "", remove: bool = False) -> None:
    """Stop the sandbox's services and its supervisor; the next command boots it again.

    Examples: invoke sandbox.down        invoke sandbox.down --remove
    """
    import shutil

    from harness.sandbox.host import shut_down

    hosts = [host for host in open_inventory(context, inventory).hosts if host.sandbox]
    if not hosts:
        raise ConfigurationError("this inventory has no sandbox", step="sandbox.down")
    for host in hosts:
        shut_down(host)
        if remove and host.sandbox:
            shutil.rmtree(host.sandbox, ignore_errors=True)
        sys.stdout.write(f"{host.name}  down{' and removed' if remove else ''}\n")
