"""List the intents that execution keeps a record of, and settle by hand what nobody knows."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, YES_HELP, choose
from commands.running import command, print_json


@command(
    name="list",
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "state": "only these: UNKNOWN, SUBMITTING, FILLED, REJECTED, FAILED, EXPIRED, DRAINED",
        "most": "how many to show, the latest first",
        "json": JSON_HELP,
    },
)
def list_intents(
    context: Any,
    inventory: str = "",
    limit: str = "",
    state: str = "",
    most: int = 50,
    json: bool = False,
) -> int:
    """Show intents with their state, order and reason; UNKNOWN ones wait for a person.

    Exit 2 where there are more records than it reads.

    Example: invoke intents.list -i lab --state UNKNOWN
    """
    from commands.records_of_intents import show
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = show(chosen, display, state=state.upper(), most=most)
        if json:
            print_json(document)
    return int(document["exit_code"])


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "id": "the intent's identity, as intents.list shows it",
        "state": "FILLED, REJECTED or FAILED: what the exchange says about it",
        "why": "how you know: it goes into the record",
        "quantity": "with FILLED: base units that were filled",
        "price": "with FILLED: their average price",
        "order": "with FILLED: the exchange's own order id",
        "yes": YES_HELP,
        "json": JSON_HELP,
    }
)
def resolve(
    context: Any,
    inventory: str = "",
    limit: str = "",
    id: str = "",  # noqa: A002  the contract's name of the flag
    state: str = "",
    why: str = "",
    quantity: str = "",
    price: str = "",
    order: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Settle an UNKNOWN intent by what you have found out at the exchange; who and why is recorded.

    Example: invoke intents.resolve -i lab --id 7f3a --state REJECTED --why "not in order history"
    """
    from commands.records_of_intents import Answer, settle
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    answer = Answer(state.upper(), why, quantity, price, order)
    with Display(quiet=json) as display:
        document = settle(chosen, display, id, answer, yes=yes)
        if json:
            print_json(document)
    return int(document["exit_code"])
