"""The bridge that joins the hosts, and cutting one of them off it."""

from __future__ import annotations

from lab.places import BRIDGE, GATEWAY, PREFIX, LabHost
from lab.running import run, succeeds

#: Our own nftables table: silence for the hosts in the set, in every direction. ARP passes, so
#: that a cut host is one that does not answer, and not one that the kernel knows to be absent.
TABLE = "quantum_lab"
RULES = f"""
table bridge {TABLE} {{
  set cut {{ type ifname; }}
  chain from_hosts {{
    type filter hook prerouting priority -300; iifname @cut meta protocol ip drop;
  }}
  chain to_hosts {{
    type filter hook postrouting priority 300; oifname @cut meta protocol ip drop;
  }}
}}
"""


def up() -> None:
    """Make the bridge with its address; one that is there already is taken as it is."""
    if not succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "add", BRIDGE, "type", "bridge", step="lab network")
    run("ip", "address", "replace", f"{GATEWAY}/{PREFIX}", "dev", BRIDGE, step="lab network")
    run("ip", "link", "set", BRIDGE, "up", step="lab network")


def down() -> None:
    """Take the bridge and every cut away."""
    if succeeds("nft", "list", "table", "bridge", TABLE):
        run("nft", "delete", "table", "bridge", TABLE, step="lab network")
    if succeeds("ip", "link", "show", BRIDGE):
        run("ip", "link", "delete", BRIDGE, step="lab network")


def cut(host: LabHost) -> None:
    """Drop everything from and to the host, so that it looks as if it hung."""
    if not succeeds("nft", "list", "table", "bridge", TABLE):
        run("nft", "-f", "-", stdin=RULES, step="lab network")
    _element("add", host)


def join(host: LabHost) -> None:
    """Let the host's traffic pass again; one that was never cut is fine."""
    if succeeds("nft", "get", "element", "bridge", TABLE, "cut", _braced(host)):
        _element("delete", host)


def unplug(host: LabHost) -> None:
    """Take away the cable of a host that has ended: the kernel does so only some time later."""
    if succeeds("ip", "link", "show", host.interface):
        succeeds("ip", "link", "delete", host.interface)


def _element(verb: str, host: LabHost) -> None:
    run("nft", verb, "element", "bridge", TABLE, "cut", _braced(host), step="lab network")


def _braced(host: LabHost) -> str:
    return f'{{ "{host.interface}" }}'
