"""Tell what on the hosts is no longer what was deployed, and bring it home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, choose
from commands.running import command, print_json
from harness.errors import DONE, IN_DOUBT, ConfigurationError

if TYPE_CHECKING:
    from harness.handmade import Rendered
    from harness.host import Host


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "capture": "write what was changed by hand as patches against the templates; applies none",
        "into": "the folder that --capture writes to (default: drift-captured)",
        "json": JSON_HELP,
    }
)
def drift(
    context: Any,
    inventory: str = "",
    limit: str = "",
    capture: bool = False,
    into: str = "",
    json: bool = False,
) -> int:
    """Compare the hosts with their last committed deploy, with diffs; exit 2 where they differ.

    Examples: invoke drift -i lab --json        invoke drift -i lab --limit lab2 --capture
    """
    from commands.showing import Display
    from commands.wanting import rendered
    from harness import fanout
    from harness.contact import raise_together, reach_all
    from harness.drifting import look

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display, reach_all(chosen.hosts, display) as contacts:
        display.stage("comparing the hosts with what was deployed")

        def texts(host: Host) -> Rendered | None:
            try:
                made = rendered(host)
                made("")
            except ConfigurationError as error:
                # what is on the hosts can be told whatever lies here; only the diffs cannot
                display.say(f"{host.name}  no diffs: {error}", "yellow")
                return None
            return made

        answers = fanout.each(contacts, lambda contact: look(contact, texts(contact.host)))
        raise_together(fanout.errors(answers))
        seen = {answer.item.host.name: answer.result for answer in answers if answer.result}
        found = {name: each.drifted for name, each in seen.items()}
        display.drift(found)
        document: dict[str, Any] = {n: [d.document() for d in each] for n, each in found.items()}
        document = {"hosts": document}
        if capture:
            from commands.capturing import bring_home

            document["captured"] = bring_home(contacts, seen, into, chosen.inventory.name, display)
        if json:
            print_json(document)
    return IN_DOUBT if any(found.values()) else DONE
