"""Nothing is acknowledged before its effect is there (or its dead letter is).

Times are compared, since lines of two sources come in any order; what one script does together
happens at one time. Clocks that may differ count as far as the opening line says. An entry that a
fault removed may be acknowledged once a consumer has told of it; a repetition, while another entry
of its identity is in a consumer's hands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fault_injection.checkers.accounts import Account, accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import ACKS, SUMS, Ack, Delivery
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = True
NEVER = float("inf")


def check(history: History) -> Finding | None:
    """Hold every acknowledgement against when its identity was settled."""
    every = [
        each for each in accounts(history)
        if ACKS in each.flow.evidence and SUMS not in each.flow.evidence
    ]  # fmt: skip
    if not every:
        return None
    skew_ns = history.opening.skew_ns if history.opening else 0
    too_early, never, acks = set[str](), set[str](), 0
    for account in every:
        acked = _first(history.of(Ack), account)
        acks += len(acked)
        done, settled = _done_at(account), account.settled
        for entry, who in _early(history, account, acked, done, skew_ns):
            if entry in done or who in done:
                too_early.add(who)
            elif who not in settled:
                never.add(who)
    if not acks:
        return Finding.unknown("no acknowledgement was seen")
    why = [f"acknowledged before its effect: {named(too_early)}"] if too_early else []
    why += [f"acknowledged without any effect: {named(never)}"] if never else []
    if why:
        return Finding.refuted(*why, acks=acks, identities=kept(too_early | never))
    return Finding.proved(f"{acks} acknowledgements, each after its effect", acks=acks)


def _early(
    history: History,
    account: Account,
    acked: Mapping[str, int],
    done: Mapping[str, int],
    skew_ns: int,
) -> Iterator[tuple[str, str]]:
    """Yield entries, with their identities, that were acknowledged before anything was done."""
    early = {}
    for entry, at in acked.items():
        who = account.entries.get(entry, entry)
        when = done.get(entry, done.get(who))
        if (when is None or when > at + skew_ns) and entry not in account.told:
            early[entry] = who
    if not early:
        return
    others = _entries_of(account, set(early.values()))
    given = _first(history.of(Delivery), account)
    for entry, who in early.items():
        if not _in_hand(others[who] - {entry}, acked[entry], given, acked):
            yield entry, who


def _first(happenings: Sequence[Ack] | Sequence[Delivery], account: Account) -> dict[str, int]:
    """Return when each entry was first acknowledged, or given to a consumer."""
    found: dict[str, int] = {}
    for each in happenings:
        if each.flow == account.flow.flow and each.wall_ns < found.get(each.entry, NEVER):
            found[each.entry] = each.wall_ns
    return found


def _entries_of(account: Account, identities: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {who: set() for who in identities}
    for entry, who in account.entries.items():
        if who in identities:
            found[who].add(entry)
    return found


def _done_at(account: Account) -> dict[str, int]:
    """Return when each identity was settled, and each dead entry was written among the dead."""
    found = dict(account.ended)
    if not account.by_ends:
        for who, first in account.first_effects().items():
            found[who] = min(first, found.get(who, first))
    dead = {entry: min(each.wall_ns for each in all_) for entry, all_ in account.dead.items()}
    return found | dead


def _in_hand(
    entries: Iterable[str], at: int, given: Mapping[str, int], acked: Mapping[str, int]
) -> bool:
    """Tell whether a consumer had one of these entries and had not acknowledged it."""
    return any(given.get(each, NEVER) <= at < acked.get(each, NEVER) for each in entries)
