"""Look into the records: what was done, whether it still says so, and what a claim means."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, open_inventory
from commands.running import command, print_json
from harness.errors import LedgerError

ID_HELP = "a record's id, or enough of it"
NEWEST_HELP = f"{ID_HELP} (default: the newest)"


@command(
    help={
        "inventory": INVENTORY_HELP,
        "host": "only records that name this host",
        "kind": "deploy, proof, rollback, backup, restore, operation or trading",
        "json": JSON_HELP,
    }
)
def history(
    context: Any, inventory: str = "", host: str = "", kind: str = "", json: bool = False
) -> int:
    """List the records, oldest first.

    Examples: invoke history        invoke history -i lab --host lab1 --kind deploy
    """
    from commands.records import history_table, line_document

    ledger = _ledger(context, inventory)
    ledger.settle()
    lines = [
        entry
        for entry in ledger.entries()
        if (not host or host in entry.hosts) and (not kind or kind == entry.kind)
    ]
    if json:
        print_json({"records": [line_document(entry) for entry in lines], "exit_code": 0})
    else:
        history_table(lines)
    return 0


@command(help={"inventory": INVENTORY_HELP, "id": NEWEST_HELP, "json": JSON_HELP})
def show(context: Any, inventory: str = "", id: str = "", json: bool = False) -> int:  # noqa: A002
    """Show one record: its outcome, claims and steps.

    Example: invoke ledger.show --id 20261121T040000Z-deploy-1a2b3c
    """
    from commands.records import line_document, show_record

    ledger = _ledger(context, inventory)
    loaded = ledger.load(id or _newest(ledger))
    if json:
        print_json({"line": line_document(loaded.entry), "statement": loaded.statement})
    else:
        show_record(loaded, ledger.root / loaded.entry.id, evidence=False)
    return 0


@command(name="show", help={"inventory": INVENTORY_HELP, "id": NEWEST_HELP, "json": JSON_HELP})
def show_proof(
    context: Any,
    inventory: str = "",
    id: str = "",  # noqa: A002
    json: bool = False,
) -> int:
    """Show the claims of one record with all of their evidence.

    Example: invoke proof.show --id 20261121T040000Z-proof-1a2b3c
    """
    from commands.records import claims_document, show_record

    ledger = _ledger(context, inventory)
    loaded = ledger.load(id or _newest(ledger, "proof"))
    if json:
        print_json(claims_document(loaded))
    else:
        show_record(loaded, ledger.root / loaded.entry.id, evidence=True)
    return 0


@command(help={"inventory": INVENTORY_HELP, "id": ID_HELP + " (default: all)", "json": JSON_HELP})
def verify(
    context: Any,
    inventory: str = "",
    id: str = "",  # noqa: A002
    json: bool = False,
) -> int:
    """Check the chain, every digest, and every verdict against its evidence; needs no host.

    Exit 0 all as written, 1 something was changed, 2 a crash may have left something.
    """
    from commands.records import show_problems
    from harness.ledger import auditing
    from harness.ledger.verifying import exit_code
    from proofs import checks

    ledger = _ledger(context, inventory)
    problems = auditing.verify(ledger.root, checks(), id or None)
    code = exit_code(problems)
    if json:
        told = [
            {"kind": p.kind, "id": p.id, "text": p.text, "weight": p.weight.name} for p in problems
        ]
        print_json({"records": str(ledger.root), "problems": told, "exit_code": code})
    else:
        show_problems(ledger, problems)
    return code


@command(positional=["claim"], help={"claim": "its name, as invoke proof prints it"})
def explain(_context: Any, claim: str) -> int:
    """Say what a claim means and how it is checked.

    Example: invoke proof.explain nothing_lost_nothing_doubled
    """
    from commands.records import show_claim

    show_claim(claim)
    return 0


def _newest(ledger: Any, kind: str = "") -> str:
    ids = [entry.id for entry in ledger.entries() if not kind or entry.kind == kind]
    if not ids:
        raise LedgerError(
            f"there is no {kind or 'record'} yet below {ledger.root}", action="invoke proof"
        )
    return str(ids[-1])


def _ledger(context: Any, inventory: str) -> Any:
    from harness.ledger.ledger import Ledger

    return Ledger(open_inventory(context, inventory).records)
