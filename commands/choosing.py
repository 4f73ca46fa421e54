"""Which hosts a command is about: the inventory by name or path, narrowed by --limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.host import Host

if TYPE_CHECKING:
    from harness.inventory import Inventory

INVENTORY_HELP = "name under inventory/ or path of a .yml file (default: invoke.yaml's)"
LIMIT_HELP = "host pattern: names, groups, *, a:b, !c, &d"
ONLY_HELP = "one service by its short name, e.g. execution"
YES_HELP = "do not ask"
JSON_HELP = "one machine-readable document on stdout"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An inventory and the hosts of it that a command works on, secrets resolved."""

    inventory: Inventory
    hosts: tuple[Host, ...]


def open_inventory(context: Any, name: str) -> Inventory:
    """Load the named inventory, or the one that Invoke's own settings name."""
    import roles
    from harness.inventory import load

    chosen = name or str(context.config.get("inventory", "sandbox"))
    return load(chosen, roles.variables(), frozenset(roles.REGISTRY))


def choose_to_deploy(context: Any, name: str, limit: str) -> Chosen:
    """Choose, and refuse an inventory whose hosts do not agree on their Redis."""
    from roles.redis_logins import refuse_strangers

    chosen = choose(context, name, limit)
    refuse_strangers(chosen.inventory.hosts)
    return chosen


def choose(context: Any, name: str, limit: str) -> Chosen:
    """Load, select and resolve; raises InventoryError or SecretError before any host is reached."""
    from harness.inventory.secret_references import resolve

    inventory = open_inventory(context, name)
    selected = inventory.select(limit or None)
    for root in {host.sandbox for host in selected if host.sandbox}:
        from harness.sandbox.host import prepare

        prepare(root)
    return Chosen(inventory, tuple(resolve(host) for host in selected))
