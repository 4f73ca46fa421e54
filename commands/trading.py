"""Switch trading on, guarded, and off, at once."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, choose
from commands.running import command, print_json


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "confirm": "the words that would be typed, where nobody sits at a terminal",
        "json": JSON_HELP,
    }
)
def enable(
    context: Any, inventory: str = "", limit: str = "", confirm: str = "", json: bool = False
) -> int:
    """Let execution place orders: after fresh proofs, typed confirmation, and a gated deploy.

    The inventory's mode is testnet or live; what runs is what was deployed; every claim is proved
    now; no intent is UNKNOWN. The next deploy switches trading off again until it is enabled anew.
    Example: invoke trading.enable -i testnet
    """
    from commands.enabling import carry_out
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, display, typed=confirm)
        if json:
            print_json(document)
    return int(document["exit_code"])


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "why": "goes into the record and into the kill switch",
        "json": JSON_HELP,
    }
)
def disable(
    context: Any, inventory: str = "", limit: str = "", why: str = "", json: bool = False
) -> int:
    """Stop new orders at once, and ask nothing: the kill switch first, then the gates are shut.

    Only execution's env file and processes are touched, whatever was changed by hand, and no proof
    is asked. Exit 0: both done everywhere; 1: one of the two holds everywhere, and it says which;
    2: it names the hosts that may still trade.
    Example: invoke trading.disable -i production --why "prices look wrong"
    """
    from commands.disabling import carry_out
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, display, why=why)
        if json:
            print_json(document)
    return int(document["exit_code"])
