"""Every entry is in one place: P = A + N + U + D by id sets, disjoint.

P are all entries known to have been there. A is read from the effects; "delivered minus pending"
proves nothing. A repetition is settled with its original. Unknown where the group's own answers
contradict each other, or where it stands behind where it stood.
"""

from __future__ import annotations

from collections.abc import Iterator

from fault_injection.checkers.accounts import Account, accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import SUMS, Dedup, Position
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams.ids import ZERO, id_key

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Put every entry in its place."""
    if not (every := accounts(history)):
        return None
    doubts = [why for account in every for why in _doubts(history, account)]
    if doubts:
        return Finding.unknown(*doubts)
    wrong = {
        f"{account.flow.flow}: {what}": who
        for account in every
        for what, who in _wrong(history, account)
        if who
    }
    entries = sum(len(account.entries) for account in every)
    if wrong:
        why = [f"{what}: {named(who)}" for what, who in wrong.items()]
        return Finding.refuted(*why, entries=entries, identities=kept(set().union(*wrong.values())))
    return Finding.proved(f"{entries} entries, each in one place", entries=entries)


def _doubts(history: History, account: Account) -> Iterator[str]:
    name, at = account.flow.flow, account.snapshot
    if at is None:
        yield f"{name}: nobody looked in the end"
        return
    last = id_key(at.last_delivered_id)
    if any(id_key(each) > last for each in at.pending) or any(
        id_key(each) <= last for each in at.undelivered
    ):
        yield f"{name}: its pending and undelivered entries lie on the wrong side of its place"
    seen = [each.last_delivered_id or ZERO for each in history.of(Position) if each.flow == name]
    if any(id_key(each) > last for each in seen):
        yield f"{name}: the group stands behind where it stood, so ids tell nothing"
    if strange := account.waiting - set(account.entries):
        yield f"{name}: entries that nobody is known to have produced: {named(strange)}"


def _wrong(history: History, account: Account) -> Iterator[tuple[str, set[str]]]:
    """Yield what is wrong, with the identities (or the buckets' fields) concerned."""
    entries, waiting, dead = account.entries, account.waiting, set(account.dead)
    yield "dead letters that are not acknowledged", {entries[e] for e in dead & waiting}
    if SUMS in account.flow.evidence:
        yield "settled, and missing in a bucket", set(account.short)
        yield "too much in a bucket", set(account.over)
        return
    settled = account.settled
    placed = waiting | dead | account.told
    nowhere = {who for e, who in entries.items() if who not in settled and e not in placed}
    yield "nowhere", nowhere - account.doubtful
    yield "settled and still waiting", settled & _only_in(waiting, account)
    yield "settled and dead letters", settled & _only_in(dead, account)
    yield "their keys name no effect there is", _keys_of_nothing(history, account)


def _only_in(place: set[str], account: Account) -> set[str]:
    """Return the identities all of whose entries are in a place."""
    here = {account.entries[each] for each in place if each in account.entries}
    return here - {who for e, who in account.entries.items() if who in here and e not in place}


def _keys_of_nothing(history: History, account: Account) -> set[str]:
    return {
        who
        for kept_keys in history.of(Dedup)
        if kept_keys.flow == account.flow.flow
        for who, ref in kept_keys.values.items()
        if not any(each.ref == ref for each in account.effects.get(who, ()))
    }
