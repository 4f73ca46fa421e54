"""Recognise a host again: a machine of the same name that is not the one in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from commands.choosing import Chosen
from commands.showing import Display
from harness.contact import Contact
from harness.errors import LedgerError
from harness.ledger.ledger import Entry, Ledger

#: What has no machine id cannot be told apart.
NOBODY = hashlib.sha256(b"").hexdigest()
#: A host that is in none of the newest records is a new one, for all that this costs to read.
RECORDS_MOST = 200


def reinstalled(chosen: Chosen, contacts: Sequence[Contact]) -> dict[str, Entry]:
    """Return host -> its newest record, where that is of another machine id. Raises LedgerError.

    A sandbox is a directory, which is made anew whenever somebody likes: it is never news.
    """
    ids = {
        each.host.name: str(each.facts.get("machine_id_sha256") or NOBODY)
        for each in contacts if not each.host.sandbox
    }  # fmt: skip
    waiting = {name for name, mark in ids.items() if mark != NOBODY}
    found: dict[str, Entry] = {}
    ledger = Ledger(chosen.inventory.records)
    for entry in reversed(ledger.entries()[-RECORDS_MOST:]):
        here = waiting.intersection(entry.hosts)
        facts = ledger.statement(entry)["predicate"].get("facts", {}) if here else {}
        for name in here:
            known = _mark(facts.get(name))
            if known:
                waiting.discard(name)
            if known not in {"", ids[name]}:
                found[name] = entry
        if not waiting:
            break
    return found


def _mark(facts: object) -> str:
    known = str(facts.get("machine_id_sha256") or "") if isinstance(facts, Mapping) else ""
    return "" if known == NOBODY else known


def tell(chosen: Chosen, contacts: Sequence[Contact], display: Display) -> None:
    """Say which hosts are other machines than those in the ledger; nothing is refused for it."""
    try:
        found = reinstalled(chosen, contacts)
    except LedgerError as error:
        display.say(f"whether hosts were re-installed is not known: {error}", "yellow")
        return
    fresh = {each.host.name for each in contacts if not each.transactions}
    for name, entry in found.items():
        display.say(
            f"{name}  was re-installed, or is another machine, since record {entry.id}"
            f" ({entry.at[:16]}): "
            + (
                "nothing is deployed on it, and nothing of before can be rolled back there"
                if name in fresh
                else "what can be rolled back is what was deployed on this one"
            ),
            "bold yellow",
        )


def document(chosen: Chosen, contacts: Sequence[Contact]) -> dict[str, str]:
    """Return host -> the id of its last record as another machine, for the next record."""
    try:
        return {name: entry.id for name, entry in reinstalled(chosen, contacts).items()}
    except LedgerError:  # whoever writes the record says so
        return {}
