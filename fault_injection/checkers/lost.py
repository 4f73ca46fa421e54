"""Nothing is lost: lost = P_ok - (E + N + U + D).

What was produced for certain has its effect, or is pending, undelivered or a dead letter. An
operation whose end nobody knows loses nothing. What a fault took out of the stream and a consumer
told of is counted apart (ADR 25).
"""

from __future__ import annotations

from fault_injection.checkers.accounts import Account, accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import SUMS
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Look for each identity somewhere."""
    if not (every := accounts(history)):
        return None
    if blind := [each.flow.flow for each in every if each.snapshot is None]:
        return Finding.unknown(f"nobody looked in the end at: {', '.join(blind)}")
    why, lost, told = [], set[str](), set[str]()
    for account in every:
        missing = lost_of(account)
        excused = {account.entries[each] for each in account.told if each in account.entries}
        told |= missing & excused
        if missing := missing - excused:
            why.append(f"{account.flow.flow}: {len(missing)} lost: {named(missing)}")
            lost |= missing
        if account.short:
            why.append(f"{account.flow.flow}: lost, in buckets: {_fields(account)}")
    produced = sum(len(account.ok) for account in every)
    numbers: dict[str, object] = {
        "produced": produced, "lost": len(lost), "identities": kept(lost), "told": kept(told),
    }  # fmt: skip
    if why:
        return Finding.refuted(*why, **numbers)
    return Finding.proved(f"{produced} produced, none lost", **numbers)


def lost_of(account: Account) -> set[str]:
    """Return the identities that are nowhere."""
    entries = account.entries
    found = account.settled | account.doubtful
    found |= {entries[each] for each in account.waiting if each in entries}
    found |= {entries[each] for each in account.dead if each in entries}
    return account.ok - found


def _fields(account: Account) -> str:
    assert SUMS in account.flow.evidence
    return named(f"{field} {count}" for field, count in account.short.items())
