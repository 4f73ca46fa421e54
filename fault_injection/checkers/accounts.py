"""Where every produced identity of a flow was found in the end; what most checkers rest on.

Sets of ids throughout, since counts lie. What is settled is read from the effects: a terminal
record where the flow has states, else an effect or an end that was told (a refusal has no other
effect). Where effects are sums, whatever is nowhere else
is taken as settled, and the buckets must bear it out: `short` and `over` say where they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fault_injection.history.happenings import (
    EFFECTS,
    ENDS,
    FAIL,
    LOST,
    OK,
    STATES,
    SUMS,
    DeadLetter,
    Effect,
    Ended,
    Flow,
    Invoked,
    Produced,
    Records,
    Removed,
    Snapshot,
    State,
    Sums,
    Terminal,
    Told,
)
from fault_injection.history.reading import History
from proofs.accounts.counted import differences
from streams import intents

#: After UNKNOWN a person decides: it is not settled, and not lost either.
ENDED = intents.TERMINAL | {intents.UNKNOWN}


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """One flow's identities and entries."""

    flow: Flow
    attempted: Mapping[str, set[str]]  #: identity -> digests of what its effect must say
    ok: set[str]  #: produced for certain
    failed: set[str]  #: not produced for certain
    entries: Mapping[str, str]  #: entry -> identity, of all that are known to have been there
    effects: Mapping[str, list[Effect]]  #: each accepted effect once
    ended: Mapping[str, int]  #: identity -> when its record ended, wall ns
    recorded: set[str]  #: their records are terminal, as read in the end
    doubtful: set[str]  #: their records are UNKNOWN
    dead: Mapping[str, list[DeadLetter]]  #: entry -> its dead letters
    told: set[str]  #: entries that a fault removed and a consumer told
    snapshot: Snapshot | None
    short: Mapping[str, int]  #: "YYYYMMDDHHMM field" -> how much is missing in its bucket
    over: Mapping[str, int]

    @property
    def by_ends(self) -> bool:
        """Tell whether what settles an identity is how it ended, and no effect alone."""
        return bool({STATES, ENDS} & set(self.flow.evidence))

    @property
    def settled(self) -> set[str]:
        """Return the identities whose effect is there."""
        if self.by_ends:
            return set(self.ended) | self.recorded
        if SUMS in self.flow.evidence:
            return {self.entries[entry] for entry in self.elsewhere}
        return set(self.effects) | set(self.ended)

    @property
    def elsewhere(self) -> set[str]:
        """Return the entries that are neither pending, undelivered, dead nor told as removed."""
        return set(self.entries) - self.waiting - set(self.dead) - self.told

    @property
    def waiting(self) -> set[str]:
        """Return the entries that are pending or undelivered."""
        at = self.snapshot
        return set() if at is None else {*at.pending, *at.undelivered}

    def first_effects(self) -> dict[str, int]:
        """Return identity -> when its first effect was, wall ns."""
        return {
            who: effects[0].wall_ns if len(effects) == 1 else min(e.wall_ns for e in effects)
            for who, effects in self.effects.items()
        }


@lru_cache(maxsize=2)
def accounts(history: History) -> Sequence[Account]:
    """Return the account of every flow whose effects are gathered."""
    return tuple(_account(history, flow) for flow in history.flows(EFFECTS, SUMS, STATES, ENDS))


def _account(history: History, flow: Flow) -> Account:
    name = flow.flow
    produced = [each for each in history.of(Produced) if each.stream == flow.stream]
    attempted, ok, failed, entries = _operations(history, flow)
    for each in produced:
        entries[each.entry] = each.identity
        if flow.fed_by_others:
            attempted.setdefault(each.identity, set()).add(each.digest)
            ok.add(each.identity)
    dead: dict[str, list[DeadLetter]] = {}
    for letter in history.of(DeadLetter):
        if letter.flow == name:
            dead.setdefault(letter.entry, []).append(letter)
    snapshots = [each for each in history.of(Snapshot) if each.flow == name]
    states = _last_states(history, name)
    account = Account(
        flow, attempted, ok, failed - ok, entries, _effects(history, name),
        _ended(history, name),
        {who for who, state in states.items() if state in intents.TERMINAL},
        {who for who, state in states.items() if state == intents.UNKNOWN},
        dead, _told(history, flow), snapshots[-1] if snapshots else None, {}, {},
    )  # fmt: skip
    if SUMS not in flow.evidence:
        return account
    short, over = _sums(history, account, produced)
    return Account(
        **{name: getattr(account, name) for name in Account.__slots__}
        | {"short": short, "over": over}
    )


def _operations(
    history: History, flow: Flow
) -> tuple[dict[str, set[str]], set[str], set[str], dict[str, str]]:
    attempted: dict[str, set[str]] = {}
    ok, not_failed, entries = set(), set(), {}
    ends = {each.op: each for each in history.of(Ended)}
    for each in history.of(Invoked):
        if each.stream != flow.stream or not each.identity:
            continue
        attempted.setdefault(each.identity, set()).add(each.digest)
        end = ends.get(each.op)
        if end is None or end.how != FAIL:
            not_failed.add(each.identity)
        if end is not None and end.how == OK:
            ok.add(each.identity)
            entries[end.entry] = each.identity
    entries.pop("", None)
    return attempted, ok, set(attempted) - not_failed, entries


def _effects(history: History, flow: str) -> dict[str, list[Effect]]:
    """Return each identity's effects, the same one only once."""
    found: dict[str, list[Effect]] = {}
    seen: set[tuple[str, str, str]] = set()
    for each in history.of(Effect):
        which = (each.identity, each.leg, each.ref)
        if each.flow == flow and which not in seen:
            seen.add(which)
            found.setdefault(each.identity, []).append(each)
    return found


def _last_states(history: History, flow: str) -> dict[str, str]:
    last = {each.identity: each.after for each in history.of(State) if each.flow == flow}
    for each in history.of(Records):
        if each.flow == flow:
            last.update(each.values)
    return last


def _ended(history: History, flow: str) -> dict[str, int]:
    """Return when each record first came to an end, as far as a time was seen."""
    found: dict[str, int] = {}
    for state in history.of(State):
        if state.flow == flow and state.after in ENDED:
            found[state.identity] = min(state.wall_ns, found.get(state.identity, state.wall_ns))
    for told in history.of(Terminal):
        if told.flow == flow:
            found[told.identity] = min(told.wall_ns, found.get(told.identity, told.wall_ns))
    return found


def _told(history: History, flow: Flow) -> set[str]:
    removed = {each.entry for each in history.of(Removed) if each.stream == flow.stream}
    return removed & {
        each.entry for each in history.of(Told) if each.flow == flow.flow and each.what == LOST
    }


def _sums(
    history: History, account: Account, produced: Iterable[Produced]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return where the buckets are short of the fold of what is settled, and where over it."""
    elsewhere = account.elsewhere
    fold: dict[str, Counter[str]] = {}
    for minute, field in _added(each for each in produced if each.entry in elsewhere):
        fold.setdefault(minute, Counter())[field] += 1
    name = account.flow.flow
    counted = {each.minute: each.fields for each in history.of(Sums) if each.flow == name}
    short: dict[str, int] = {}
    over: dict[str, int] = {}
    for minute in sorted({*fold, *counted}):
        for field, off in differences(fold.get(minute, {}), counted.get(minute, {})):
            (over if off > 0 else short)[f"{minute} {field}"] = abs(off)
    return short, over


def _added(produced: Iterable[Produced]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for each in produced:
        if each.entry not in seen:
            seen.add(each.entry)
            for said in each.adds:
                minute, _, field = said.partition(" ")
                yield minute, field
