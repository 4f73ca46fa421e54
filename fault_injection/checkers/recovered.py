"""What nobody knew to be produced and is found: recovered = P_info found in E.

No fault of anyone: it is named, so that the numbers add up. But what failed for certain must have
no effect; where it has one, somebody calls failed what was not.
"""

from __future__ import annotations

from fault_injection.checkers.accounts import accounts
from fault_injection.checkers.naming import kept, named
from fault_injection.history.reading import History
from proofs.finding import Finding

NEEDS_END = True
NEEDS_WATCH = False


def check(history: History) -> Finding | None:
    """Look for effects of what was not known to be produced."""
    if not (every := accounts(history)):
        return None
    recovered, undead = set[str](), set[str]()
    for account in every:
        found = account.settled
        recovered |= (found & set(account.attempted)) - account.ok - account.failed
        undead |= found & account.failed
    numbers: dict[str, object] = {"recovered": len(recovered), "identities": kept(recovered)}
    if undead:
        why = f"{len(undead)} failed for certain and have an effect: {named(undead)}"
        return Finding.refuted(why, **numbers | {"identities": kept(undead)})
    return Finding.proved(f"{len(recovered)} recovered", **numbers)
