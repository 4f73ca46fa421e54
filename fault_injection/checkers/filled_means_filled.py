"""FILLED is said of what the exchange filled, and of nothing else.

Reads the outcome of every order that the exchange accepted; FILLED without one refutes, and so
does an order that was filled whose record ended as something else.
"""

from __future__ import annotations

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.happenings import EFFECTS, Terminal
from fault_injection.history.reading import History
from proofs.finding import Finding
from streams.intents import ENTRY, FILLED

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Hold what was told against the exchange's own orders."""
    every = [
        each for each in accounts(history)
        if each.by_ends and EFFECTS in each.flow.evidence
    ]  # fmt: skip
    if not every:
        return None
    invented, hidden, fills = set[str](), set[str](), 0
    for account in every:
        filled = {
            who for who, effects in account.effects.items()
            if any(each.outcome == FILLED and each.leg in {"", ENTRY} for each in effects)
        }  # fmt: skip
        ends = [each for each in history.of(Terminal) if each.flow == account.flow.flow]
        said = {each.identity for each in ends if each.state == FILLED}
        otherwise = {each.identity for each in ends if each.state != FILLED}
        fills += len(filled)
        invented |= said - filled
        hidden |= filled & otherwise
    why = [f"FILLED, and nothing was: {named(invented)}"] if invented else []
    why += [f"filled, and told otherwise: {named(hidden)}"] if hidden else []
    if why:
        return Finding.refuted(*why, fills=fills, identities=kept(invented | hidden))
    return Finding.proved(f"{fills} fills, told as such", fills=fills)
