"""What there is to break on purpose, and undoing whatever anybody has broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, Chosen, choose
from commands.running import command, print_json
from harness.errors import DONE

if TYPE_CHECKING:
    from commands.showing import Display


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


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def heal(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Undo every fault of the hosts, whoever injected it and however that one ended.

    Needs no permission on the host and changes nothing where there is no fault; twice is fine.
    A host that is not reached heals by itself when its faults' time is over, or as it boots.

    Example: invoke faults.heal -i lab --limit lab2
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = heal_all(chosen, display)
    if json:
        print_json(document)
    return int(document["exit_code"])


def heal_all(chosen: Chosen, display: Display) -> dict[str, Any]:
    """Heal every chosen host, also when others fail; returns what came of each as one document."""
    from commands.transactions import meta
    from harness import fanout
    from harness.contact import reach_some

    by = meta(chosen, {})
    with reach_some(chosen.hosts, display) as reached:
        answers = fanout.each(reached.contacts, lambda each: each.session.fault_heal(meta=by))
    failures = {
        **reached.failures,
        **{answer.item.host.name: answer.error for answer in answers if answer.error},
    }
    healed = {answer.item.host.name: answer.result["healed"] for answer in answers if answer.result}
    for name, ids in healed.items():
        said = f"undone and seen to be gone: {', '.join(ids)}" if ids else "no fault"
        display.say(f"{name}  {said}", "green" if ids else "")
    for name, error in failures.items():
        display.say(f"{name}  NOT HEALED  {error}", "red")
    return {
        "hosts": {
            **{name: {"healed": ids} for name, ids in healed.items()},
            **{name: {"error": str(error)} for name, error in failures.items()},
        },
        "exit_code": max((error.exit_code for error in failures.values()), default=DONE),
    }  # fmt: skip
