"""Put every byte back: undo the last deploy, or everything after a given one, and prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, YES_HELP, Chosen, choose
from commands.running import command, confirm, print_json
from harness.errors import DONE, IN_DOUBT, ConfigurationError

if TYPE_CHECKING:
    from commands.showing import Display


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "to": "undo everything newer than this deploy (its id: invoke history)",
        "yes": YES_HELP,
        "json": JSON_HELP,
    }
)
def rollback(
    context: Any,
    inventory: str = "",
    limit: str = "",
    to: str = "",
    yes: bool = False,
    json: bool = False,
) -> int:
    """Undo the last committed deploy byte for byte, and prove that it is undone.

    Examples: invoke rollback -i lab        invoke rollback -i lab --to 20261121-101500-a1b2c3
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, display, to=to, yes=yes or chosen.inventory.mode == "sandbox")
        if json:
            print_json(document)
    return int(document["exit_code"])


def carry_out(chosen: Chosen, display: Display, *, to: str = "", yes: bool) -> dict[str, Any]:
    """Roll back, prove and record; returns what happened as one document."""
    from commands import undoing
    from commands.disabling import keep_shut
    from commands.transactions import recover_all
    from harness.contact import reach_all

    with reach_all(chosen.hosts, display) as contacts:
        recover_all(chosen, contacts)
        concerned = undoing.concerned(contacts, to)
        display.idle()
        if not concerned:
            display.say("nothing to roll back: no committed deploy on these hosts", "yellow")
            return {"state": "unchanged", "hosts": {}, "exit_code": DONE}
        for contact, ids in concerned:
            display.say(f"{contact.host.name}  will undo {', '.join(ids)}", "cyan")
        if not confirm("put these hosts back?", yes=yes):
            raise ConfigurationError(
                "not confirmed; nothing was changed",
                step="rollback",
                action="invoke rollback --yes",
            )
        doubtful = keep_shut(chosen, [contact for contact, _ in concerned], display)
        document = undoing.run(chosen, concerned, to, display)
        if doubtful:
            document["may_trade"] = doubtful
            document["exit_code"] = max(int(document["exit_code"]), IN_DOUBT)
        return document
