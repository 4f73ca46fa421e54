"""An entry has at most one dead letter, and every letter says why."""

from __future__ import annotations

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Count the copies of every entry."""
    if not (every := accounts(history)):
        return None
    twice = {
        entry
        for account in every
        for entry, copies in account.dead.items()
        if len({each.ref for each in copies}) > 1
    }
    mute = {
        entry for account in every for entry, copies in account.dead.items()
        if not all(each.reason for each in copies)
    }  # fmt: skip
    letters = sum(len(account.dead) for account in every)
    why = [f"{len(twice)} with several dead letters: {named(twice)}"] if twice else []
    why += [f"given up without a reason: {named(mute)}"] if mute else []
    if why:
        return Finding.refuted(*why, letters=letters, identities=kept(twice | mute))
    return Finding.proved(f"{letters} dead letters", letters=letters)
