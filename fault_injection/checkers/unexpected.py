"""No effect comes from nowhere: unexpected = E - attempted, or a payload digest that differs."""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.checkers.accounts import Account, accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False
NOTHING: frozenset[str] = frozenset()


def check(history: History) -> Finding | None:
    """Hold each effect against what was attempted."""
    if not (every := accounts(history)):
        return None
    why, who, effects = [], set[str](), 0
    for account in every:
        effects += len(account.settled)
        strange = set(account.effects) | account.settled
        strange -= set(account.attempted)
        if strange:
            why.append(f"{account.flow.flow}: {len(strange)} never attempted: {named(strange)}")
        if other := set(_differing(account)):
            why.append(f"{account.flow.flow}: {len(other)} say something else: {named(other)}")
        if lone := [each for each in account.dead if each not in account.entries]:
            why.append(f"{account.flow.flow}: dead letters of no entry: {named(lone)}")
        who |= strange | other
    if why:
        return Finding.refuted(*why, effects=effects, identities=kept(who))
    return Finding.proved(f"{effects} effects, each of what was attempted", effects=effects)


def _differing(account: Account) -> Iterator[str]:
    for identity, effects in account.effects.items():
        wanted = account.attempted.get(identity, NOTHING)
        for each in effects:
            if each.digest and each.digest not in wanted and wanted - {""}:
                yield identity
