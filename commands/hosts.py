"""Trust host keys: what every other command refuses to do by itself."""

from __future__ import annotations

import sys
from typing import Any

from commands.choosing import INVENTORY_HELP, LIMIT_HELP, YES_HELP, open_inventory
from commands.running import command, confirm
from harness.errors import ConfigurationError
from harness.host import Host


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "yes": YES_HELP})
def trust(context: Any, inventory: str = "", limit: str = "", yes: bool = False) -> None:
    """Show the keys of hosts that known_hosts does not have, ask, and add them to it.

    Compare the fingerprint with the host's own: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
    A changed key is never replaced here. Example: invoke hosts.trust -i production --limit db1
    """
    for host in open_inventory(context, inventory).select(limit or None):
        if host.sandbox:
            sys.stdout.write(f"{host.name}  is this machine; there is no key to trust\n")
        else:
            sys.stdout.write(f"{host.name}  {trust_one(host, yes=yes)}\n")


def trust_one(host: Host, *, yes: bool) -> str:
    """Ask about one host's key and add it; return what was done, in words.

    Raises HostKeyError when another key is known, ConfigurationError when nobody agreed.
    """
    from harness.links import known_hosts
    from harness.links.ssh import destination, offered_key

    where = destination(host)
    key = offered_key(host)
    shown = f"{key.get_name()} {key.fingerprint}"
    if known_hosts.keys_for(where):
        known_hosts.judge(where, key)
        return f"is trusted already: {shown}"
    sys.stdout.write(f"{host.name}  {where.entry} shows {shown}\n")
    sys.stdout.flush()
    if not confirm(f"trust this key of {host.name}?", yes=yes):
        raise ConfigurationError(
            "nobody agreed to trust its key; nothing was written",
            host=host.name,
            step="hosts.trust",
            action="compare the fingerprint on the host, then answer yes, or pass --yes",
        )
    return f"trusted: {shown}, added to {known_hosts.append(where, key)}"
