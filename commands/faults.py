"""Break things on purpose: so far the list of the scenarios, and of what cannot run where."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP
from commands.running import command, print_json

LIST_INVENTORY_HELP = f"also tell what cannot run on its hosts, and why; {INVENTORY_HELP}"


@command(name="list", help={"inventory": LIST_INVENTORY_HELP, "json": JSON_HELP})
def list_scenarios(context: Any, inventory: str = "", json: bool = False) -> None:
    """Show each scenario, what it threatens and where it can run; contacts nobody.

    Examples: invoke faults.list        invoke faults.list -i lab        invoke faults.list --json
    """
    from commands import scenarios_told

    against = None
    if inventory:
        from commands.choosing import open_inventory
        from commands.fault_targets import Against

        against = Against.of(open_inventory(context, inventory))
    if json:
        print_json(scenarios_told.document(against))
    else:
        scenarios_told.show(against)
