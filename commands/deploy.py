"""Plan, apply, gate, commit: everything or nothing, on every chosen host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, ONLY_HELP, YES_HELP, Chosen
from commands.choosing import choose_to_deploy as choose
from commands.running import command, confirm, print_json
from harness.errors import DONE, ConfigurationError

if TYPE_CHECKING:
    from commands.outcomes import Outcome
    from commands.showing import Display
    from commands.terms import Terms

PROJECT = Path(__file__).resolve().parent.parent


@command(
    iterable=["only"],
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "only": f"{ONLY_HELP}; may be said again, or a,b",
        "json": JSON_HELP,
    },
)
def plan(
    context: Any, inventory: str = "", limit: str = "", only: Any = None, json: bool = False
) -> int:
    """Show what deploy would change, with diffs; writes nothing on any host.

    Examples: invoke plan -i lab --limit 'analytics:!lab3'        invoke plan --only execution
    """
    from commands import ahead
    from commands.services_of import narrowed
    from commands.showing import Display, plan_document
    from harness.contact import reach_all

    chosen, services = narrowed(choose(context, inventory, limit), only or ())
    ready = ahead.planning(chosen.hosts)
    with Display(quiet=json) as display, reach_all(chosen.hosts, display, ready) as contacts:
        from commands import recognising
        from commands.transactions import prepare_all

        for contact in contacts:
            display.unsettled(contact)
        recognising.tell(chosen, contacts, display)
        prepared = prepare_all(contacts, PROJECT, display, only=services)
        display.plans(prepared, new_files=True)
        if json:
            print_json(plan_document(prepared))
    return DONE


@command(
    iterable=["only"],
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "only": f"{ONLY_HELP}; may be said again, or a,b; nothing else on the hosts is touched",
        "serial": "sizes of the batches, as 1,3,50%: each is gated before the next (default: all)",
        "max-fail": "how many hosts may fail before they are changed: left out, exit 1 or 2",
        "commit-per-batch": "keep each batch that passed its gate; else all go back together",
        "overwrite-drift": "replace what was changed by hand (kept in the transaction's backup)",
        "yes": YES_HELP,
        "json": JSON_HELP,
    },
)
def deploy(
    context: Any,
    inventory: str = "",
    limit: str = "",
    only: Any = None,
    serial: str = "",
    max_fail: str = "0",
    commit_per_batch: bool = False,
    overwrite_drift: bool = False,
    yes: bool = False,
    json: bool = False,
) -> int:
    """Bring the hosts to what the inventory, roles and templates say; prove it; or put it back.

    With --serial a batch is applied and gated before the next begins. When a gate refuses, every
    batch goes back; with --commit-per-batch only the refused one, and the earlier ones stay.

    Examples: invoke deploy -i lab --yes        invoke deploy -i lab --serial 1,3,50% --max-fail 2
    """
    from commands.services_of import narrowed
    from commands.showing import Display
    from commands.terms import typed

    terms = typed(serial, max_fail, commit_per_batch=commit_per_batch)
    chosen, services = narrowed(choose(context, inventory, limit), only or ())
    with Display(quiet=json) as display:
        outcome = carry_out(
            chosen, display, yes=yes or chosen.inventory.mode == "sandbox",
            overwrite_drift=overwrite_drift, terms=terms, only=services,
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
    terms: Terms | None = None,
    only: frozenset[str] = frozenset(),
) -> Outcome:
    """Run the whole motion and return its Outcome; the record is written before this returns.

    `sources` holds the streams/ and consumers/ to release; without `terms` it is all hosts at once,
    all or nothing; `only` names services that the hosts have, and all others stay as they are.
    Raises QuantumError where nothing was committed and every host is as it was, or where that is
    in doubt (exit 2).
    """
    from commands import ahead
    from commands.leaving_out import LeftOut
    from commands.terms import Terms, question
    from harness import fanout
    from harness.contact import reach_some

    terms = terms or Terms()
    left_out = LeftOut(terms.max_fail, display)
    with reach_some(chosen.hosts, display, ahead.planning(chosen.hosts)) as reached:
        from commands import recognising, transactions
        from commands.guarding import refuse_traders
        from harness.deploying import refuse_drift

        left_out.add(reached.failures)
        contacts = transactions.recover_all(chosen, reached.contacts, left_out)
        recognising.tell(chosen, contacts, display)
        prepared = transactions.prepare_all(
            contacts, sources, display, left_out, only=only, overwrite=overwrite_drift
        )
        display.plans(prepared)
        answers = fanout.each(prepared, lambda each: refuse_drift(each, overwrite=overwrite_drift))
        prepared = left_out.passed(answers)
        prepared = left_out.passed(fanout.each(prepared, refuse_traders))
        changing = [each for each in prepared if each.plan.steps]
        if not changing:
            return transactions.unchanged(prepared, display, left_out.why)
        display.idle()
        if not confirm(question(changing, terms), yes=yes):
            raise ConfigurationError(
                "not confirmed; nothing was changed", step="deploy", action="invoke deploy --yes"
            )
        from commands import rolling

        return rolling.run(chosen, changing, sources, display, terms, left_out)
