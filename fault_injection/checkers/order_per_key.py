"""Effects of one key come in the order of their entries, where a flow promises that.

Each entry counts with its first effect; what one entry's repetition does is duplicated's matter.
"""

from __future__ import annotations

from operator import attrgetter

from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import ORDER, Effect, Ended, Flow, Invoked, Produced
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams.ids import id_key

NEEDS_END = True
NEEDS_WATCH = True


def check(history: History) -> Finding | None:
    """Go through the effects by time."""
    if not (flows := history.flows(ORDER)):
        return None
    wrong, ordered, keyless = set[str](), 0, 0
    for flow in flows:
        keys = _keys(history, flow)
        newest: dict[str, tuple[int, int]] = {}
        done: set[str] = set()
        effects = [each for each in history.of(Effect) if each.flow == flow.flow]
        for effect in sorted(effects, key=attrgetter("wall_ns")):
            if effect.entry not in keys:
                keyless += 1
                continue
            if effect.entry in done:
                continue
            done.add(effect.entry)
            ordered += 1
            key, at = keys[effect.entry], id_key(effect.entry)
            if at < newest.get(key, (0, 0)):
                wrong.add(effect.identity)
            newest[key] = max(at, newest.get(key, (0, 0)))
    if wrong:
        why = f"{len(wrong)} after a later one of the same key: {named(wrong)}"
        return Finding.refuted(why, effects=ordered, identities=kept(wrong))
    if keyless or not ordered:
        return Finding.unknown(f"{keyless} effects of no entry with a key, {ordered} with one")
    return Finding.proved(f"{ordered} effects in order", effects=ordered)


def _keys(history: History, flow: Flow) -> dict[str, str]:
    """Return entry -> key."""
    entries = {each.op: each.entry for each in history.of(Ended) if each.entry}
    keys = {
        entries[each.op]: each.key for each in history.of(Invoked)
        if each.stream == flow.stream and each.key and each.op in entries
    }  # fmt: skip
    for made in history.of(Produced):
        if made.stream == flow.stream and made.key:
            keys[made.entry] = made.key
    return keys
