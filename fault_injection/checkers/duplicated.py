"""Nothing is doubled: duplicated = identities with more than one accepted effect.

Attempts are no effects and are counted apart: requests beyond the first, deliveries beyond the
first.
"""

from __future__ import annotations

from collections import Counter

from fault_injection.checkers.accounts import Account, accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import SUBMIT, Call, Delivery
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Count the accepted effects of each identity and leg."""
    if not (every := accounts(history)):
        return None
    why, who, effects = [], set[str](), 0
    for account in every:
        effects += sum(len(each) for each in account.effects.values())
        if doubled := _doubled(account):
            why.append(f"{account.flow.flow}: {len(doubled)} doubled: {named(doubled)}")
            who |= doubled
        if history.closed and account.over:
            fields = named(f"{field} {count}" for field, count in account.over.items())
            why.append(f"{account.flow.flow}: doubled, in buckets: {fields}")
    numbers: dict[str, object] = {
        "effects": effects, "doubled": len(who), "identities": kept(who), **_attempts(history)
    }  # fmt: skip
    if why:
        return Finding.refuted(*why, **numbers)
    return Finding.proved("no identity has two effects", **numbers)


def _doubled(account: Account) -> set[str]:
    return {
        identity
        for identity, effects in account.effects.items()
        if len(effects) > 1 and max(Counter(each.leg for each in effects).values()) > 1
    }


def _attempts(history: History) -> dict[str, int]:
    """Return how often something was tried again."""
    asked = Counter(
        (each.flow, each.identity, each.leg) for each in history.of(Call) if each.verb == SUBMIT
    )
    given = Counter((each.flow, each.entry) for each in history.of(Delivery))
    return {
        "submitted_again": sum(asked.values()) - len(asked),
        "delivered_again": sum(given.values()) - len(given),
    }
