"""A record changes only as STREAMS.md lets it: streams.intents.FOLLOWING.

What stands in a line as `before` must also be what the line before it left behind; the first line
of a record may find it in any state, since it may be older than the run.
"""

from __future__ import annotations

from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import STATES, State
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams import intents

NEEDS_END = False
NEEDS_WATCH = True


def check(history: History) -> Finding | None:
    """Follow every record from its first state on."""
    if not (flows := {flow.flow for flow in history.flows(STATES)}):
        return None
    last: dict[tuple[str, str], str] = {}
    wrong: dict[str, str] = {}
    changes = 0
    for each in history.of(State):
        if each.flow not in flows:
            continue
        changes += 1
        was = last.get((each.flow, each.identity), each.before)
        last[each.flow, each.identity] = each.after
        if was != each.before:
            wrong[each.identity] = f"{was or 'nothing'}, then {each.before or 'nothing'}"
        elif each.before != each.after and not intents.may_follow(each.before, each.after):
            wrong[each.identity] = f"{each.before or 'nothing'} to {each.after}"
        elif each.before == each.after and each.before in intents.TERMINAL:
            wrong[each.identity] = f"{each.before} again"
    if wrong:
        said = named(f"{who} ({how})" for who, how in wrong.items())
        why = f"{len(wrong)} changed as no record may: {said}"
        return Finding.refuted(why, changes=changes, identities=kept(wrong))
    if not changes:
        return Finding.unknown("no change of a record was seen")
    return Finding.proved(f"{changes} changes, all lawful", changes=changes)
