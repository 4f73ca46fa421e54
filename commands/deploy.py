"""Plan, apply, gate, commit: everything or nothing, on every chosen host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, YES_HELP, Chosen, choose
from commands.running import command, confirm, print_json
from harness.errors import DONE, ConfigurationError

if TYPE_CHECKING:
    from commands.showing import Display
    from commands.transactions import Outcome

PROJECT = Path(__file__).resolve().parent.parent


@command(help={"inventory": INVENTORY_HELP, "limit": LIMIT_HELP, "json": JSON_HELP})
def plan(context: Any, inventory: str = "", limit: str = "", json: bool = False) -> int:
    """Show what deploy would change, with diffs; writes nothing on any host.

    Example: invoke plan -i lab --limit 'analytics:!lab3'
    """
    from commands.showing import Display, plan_document
    from commands.transactions import prepare_all
    from harness.contact import reach_all

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display, reach_all(chosen.hosts, display) as contacts:
        for contact in contacts:
            display.unsettled(contact)
        prepared = prepare_all(contacts, PROJECT, display)
        display.plans(prepared, new_files=True)
        if json:
            print_json(plan_document(prepared))
    return DONE


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "overwrite-drift": "replace what was changed by hand (kept in the transaction's backup)",
        "yes": YES_HELP,
        "json": JSON_HELP,
    }
)
def deploy(
    context: Any,
    inventory: str = "",
    limit: str = "",
    overwrite_drift: bool = False,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Bring the hosts to what the inventory, roles and templates say; prove it; or put it back.

    Example: invoke deploy -i lab --yes
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        outcome = carry_out(
            chosen, display, yes=yes or chosen.inventory.mode == "sandbox",
            overwrite_drift=overwrite_drift,
        )  # fmt: skip
        if json:
            print_json(outcome.document())
    return outcome.exit_code


def carry_out(
    chosen: Chosen,
    display: Display,
    *,
    yes: bool,
    overwrite_drift: bool = False,
    sources: Path = PROJECT,
) -> Outcome:
    """Run the whole motion and return its Outcome; the record is written before this returns.

    `sources` holds the streams/ and consumers/ to release. Raises QuantumError where nothing was
    committed and every host is as it was, or where that is in doubt (exit 2).
    """
    from commands import transactions
    from harness.contact import reach_all
    from harness.deploying import refuse_drift

    with reach_all(chosen.hosts, display) as contacts:
        transactions.recover_all(chosen, contacts)
        prepared = transactions.prepare_all(contacts, sources, display)
        display.plans(prepared)
        if not overwrite_drift:
            for each in prepared:
                refuse_drift(each)
        changing = [each for each in prepared if each.plan.steps]
        if not changing:
            return transactions.unchanged(prepared, display)
        display.idle()
        question = f"apply to {', '.join(each.name for each in changing)}?"
        if not confirm(question, yes=yes):
            raise ConfigurationError(
                "not confirmed; nothing was changed", step="deploy", action="invoke deploy --yes"
            )
        return transactions.run(chosen, changing, sources, display)
