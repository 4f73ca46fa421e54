"""Record evidence that the hosts' services do what their roles claim."""

from __future__ import annotations

from typing import Any

from commands.choosing import INVENTORY_HELP, JSON_HELP, LIMIT_HELP, Chosen, choose
from commands.running import command, print_json


@command(
    help={
        "inventory": INVENTORY_HELP,
        "limit": LIMIT_HELP,
        "only": "one claim by name (see invoke proof.explain)",
        "json": JSON_HELP,
    }
)
def proof(
    context: Any, inventory: str = "", limit: str = "", only: str = "", json: bool = False
) -> int:
    """Prove that what was deployed runs and loses nothing; exit 0 proved, 1 refuted, 2 unknown.

    Examples: invoke proof -i lab        invoke proof -i lab --only nothing_lost_nothing_doubled
    """
    from commands.showing import Display

    chosen = choose(context, inventory, limit)
    with Display(quiet=json) as display:
        document = carry_out(chosen, display, only=only)
        if json:
            print_json(document)
    return int(document["exit_code"])


def carry_out(chosen: Chosen, display: Any, *, only: str = "") -> dict[str, Any]:
    """Gather, judge and record; returns the result as one document."""
    import time

    from commands import proving, recording
    from harness.contact import reach_all

    git = recording.git_state()
    started = time.time()
    with reach_all(chosen.hosts, display) as contacts:
        claims = proving.prove(contacts, git, display, only=only)
        display.claims(claims)
        verdict = proving.verdict(claims)
        entry = recording.write(
            chosen, "proof", verdict.name, contacts, started=started, ended=time.time(),
            claims=claims, subjects=recording.subjects(claims), git=git,
        )  # fmt: skip
    record = chosen.inventory.records / entry.id
    display.verdict(verdict, f"{len(claims)} claims", record)
    return {
        "verdict": verdict.name,
        "record": entry.id,
        "claims": [
            {
                "host": claim.where,
                "claim": claim.result.name,
                "service": claim.service,
                "verdict": claim.finding.verdict.name,
                "reasons": list(claim.finding.reasons),
                "numbers": dict(claim.finding.numbers),
            }
            for claim in claims
        ],
        "exit_code": verdict.exit_code,
    }
