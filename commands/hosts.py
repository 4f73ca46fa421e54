"""Trust host keys: what every other command refuses to do by itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, LIMIT_HELP, YES_HELP, open_inventory
from commands.running import command, confirm
from harness.errors import ConfigurationError
from harness.host import Host

if TYPE_CHECKING:
    from harness.links.known_hosts import Destination


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
    """Ask about one host's key and add it, those of the jump hosts on the way first.

    Returns what was done, in words. Raises HostKeyError when another key is known,
    ConfigurationError when nobody agreed.
    """
    from harness.links.ssh import destinations

    *jumps, _ = ways = destinations(host)
    said = [_trust_hop(host, number, where, yes=yes) for number, where in enumerate(ways)]
    for where, words in zip(jumps, said, strict=False):
        sys.stdout.write(f"{host.name}  its jump host {where.hop} {words}\n")
    return said[-1]


def _trust_hop(host: Host, number: int, where: Destination, *, yes: bool) -> str:
    from harness.links import known_hosts
    from harness.links.ssh import offered_key

    key = offered_key(host, number)
    shown = f"{key.get_name()} {key.fingerprint}"
    if known_hosts.keys_for(where):
        known_hosts.judge(where, key)
        return f"is trusted already: {shown}"
    whose = f"its jump host {where.hop}, {where.entry}," if where.hop else where.entry
    sys.stdout.write(f"{host.name}  {whose} shows {shown}\n")
    sys.stdout.flush()
    asked = f"{where.hop}, the jump host of {host.name}" if where.hop else host.name
    if not confirm(f"trust this key of {asked}?", yes=yes):
        raise ConfigurationError(
            "nobody agreed to trust its key; nothing was written",
            host=host.name,
            step="hosts.trust",
            action="compare the fingerprint on the host, then answer yes, or pass --yes",
        )
    return f"trusted: {shown}, added to {known_hosts.append(where, key)}"
