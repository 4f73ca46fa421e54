"""An order goes out again only after the exchange said that it knows no such order.

A request that was refused does not count: nothing came of it, be it a first one that may be sent
again or one that woke up too late. All name the same client order id, else the exchange cannot tell
that they are one.
"""

from __future__ import annotations

from collections.abc import Iterable

from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import (
    CALLS,
    NO_SUCH_ORDER,
    QUERY,
    REFUSED,
    SUBMIT,
    Call,
)
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = False
NEEDS_WATCH = True


def check(history: History) -> Finding | None:
    """Follow the requests of every identity and leg."""
    if not (flows := {flow.flow for flow in history.flows(CALLS)}):
        return None
    calls: dict[tuple[str, str, str], list[Call]] = {}
    for each in history.of(Call):
        if each.flow in flows:
            calls.setdefault((each.flow, each.identity, each.leg), []).append(each)
    unasked = {which[1] for which, of in calls.items() if _unasked(of)}
    renamed = {which[1] for which, of in calls.items() if len(_ids(of)) > 1}
    submits = sum(each.verb == SUBMIT for of in calls.values() for each in of)
    why = [f"sent again without asking: {named(unasked)}"] if unasked else []
    why += [f"sent again under another id: {named(renamed)}"] if renamed else []
    if why:
        return Finding.refuted(*why, submits=submits, identities=kept(unasked | renamed))
    if not submits:
        return Finding.unknown("no order was sent")
    return Finding.proved(f"{submits} orders sent, none again without asking", submits=submits)


def _unasked(calls: Iterable[Call]) -> bool:
    out = ""  # the client order id of what may be out there
    for each in calls:
        if each.verb == QUERY and each.answer == NO_SUCH_ORDER and each.order == out:
            out = ""
        elif each.verb == SUBMIT and each.answer != REFUSED:
            if out:
                return True
            out = each.order
    return False


def _ids(calls: Iterable[Call]) -> set[str]:
    return {each.order for each in calls if each.verb == SUBMIT}
