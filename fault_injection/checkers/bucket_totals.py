"""Bucket totals = fold of E: every minute's bucket holds exactly what its entries add up to.

One lost and one doubled event of the same kind cancel out in a bucket; where that matters, the
workload gives each event a reason of its own.
"""

from __future__ import annotations

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.naming import named
from fault_injection.history.happenings import SUMS, Sums
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Compare the fold with what was read."""
    every = [each for each in accounts(history) if SUMS in each.flow.evidence]
    if not every:
        return None
    read = {each.flow for each in history.of(Sums)}
    for account in every:
        if account.snapshot is None or account.flow.flow not in read:
            return Finding.unknown(f"{account.flow.flow}: its buckets were not read in the end")
    why = []
    for account in every:
        for word, fields in (("too little", account.short), ("too much", account.over)):
            if fields:
                said = named(f"{field} {count}" for field, count in fields.items())
                why.append(f"{account.flow.flow}: {word}: {said}")
    events = sum(len(account.elsewhere) for account in every)
    if why:
        return Finding.refuted(*why, events=events)
    return Finding.proved(f"the fold of {events} events, field for field", events=events)
