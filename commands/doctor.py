"""Examine this laptop, the hosts and what their units must refuse; change nothing."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP
from commands.running import command, print_json


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def doctor(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Tell what this laptop and the hosts can and cannot do, and what to type about it.

    In every deployed unit it tries what is forbidden there, and names each directive that does
    nothing. Exit 0 all well, 1 something is wrong, 2 something cannot be told, 3 no inventory.
    Examples: invoke doctor -i lab        invoke doctor -i production --limit worker1
    """
    from commands.examining import examine
    from commands.showing import Display

    with Display(quiet=json) as display:
        document = examine(context, inventory, limit, display)
        if json:
            print_json(document)
    return int(document["exit_code"])
