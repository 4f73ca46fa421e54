"""Go back: the last committed deploy, one that is still open, or everything after a given one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import store
from .failing import ROLLED_BACK, AgentError
from .machine import Machine
from .paths import KINDS
from .states import observe
from .store import PINNED, PRUNED, UNFINISHED
from .undoing import Undone, undo

Emit = Callable[[Mapping[str, Any]], None]
#: What a reply tells of the state that a path had.
TOLD = ("kind", "sha256", "mode", "owner", "group", "target", "mtime_ns")


def recover(
    machine: Machine, transactions: store.Store, emit: Emit, asked: str | None = None
) -> list[Undone]:
    """Undo what a crash has left unfinished, newest first; the caller holds the lock.

    One that was `asked` for by name is no news to the laptop.
    """
    recovered = []
    for tx in reversed(transactions.all()):
        if tx.state in UNFINISHED:
            recovered.append(undo(machine, transactions, tx))
            if tx.id != asked:
                emit({"event": "recovered", "tx": tx.id})
    return recovered


def roll_back(
    machine: Machine, transactions: store.Store, request: Mapping[str, Any], emit: Emit
) -> dict[str, Any]:
    """Undo what was asked for and return the reply; the caller holds the lock.

    Unfinished transactions go first. With neither `tx` nor `to`, having undone those is enough:
    they were the last deploy.
    """
    name, to = request.get("tx"), request.get("to")
    undone = recover(machine, transactions, emit, name)
    if name or to or not undone:
        for tx in _chosen(transactions, name, to):
            undone.append(undo(machine, transactions, tx))
    problems = [problem for one in undone for problem in one.problems]
    if problems:
        raise AgentError(
            "units", f"everything was put back, but {'; '.join(problems)}", step="rollback",
            action="see `journalctl -u` of the unit on the host", state=ROLLED_BACK,
        )  # fmt: skip
    return {
        "state": "rolled_back",
        "undone": [one.report() for one in undone],
        "before": (before := _before(transactions, undone)),
        "paths": {path: observe(machine, path, None, secret=True) for path in sorted(before)},
    }


def _chosen(transactions: store.Store, name: str | None, to: str | None) -> list[store.Transaction]:
    committed = [one for one in reversed(transactions.all()) if one.state == "committed"]
    if to:
        if transactions.find(to).state == PINNED:
            raise AgentError(
                "refused", f"{to} is a snapshot, and no deploy to go back to",
                action=f"invoke backup.restore --id {to}",
            )  # fmt: skip
        if transactions.find(to).state not in {"committed", PRUNED}:
            raise AgentError("unknown", f"{to} was rolled back itself", action="invoke history")
        target = transactions.find(to)
        return [one for one in committed if one.sequence > target.sequence]
    if name:
        tx = transactions.find(name)
        if tx.state == "rolled_back":
            return []
        if tx.state == PRUNED:
            raise AgentError(
                "refused", f"{name} was pruned: what its undo needs is gone",
                action=f"invoke rollback --to {name} undoes all that is newer",
            )  # fmt: skip
        if committed and committed[0].id != name:
            raise AgentError(
                "refused", f"{committed[0].id} was deployed after {name}",
                action=f"invoke rollback --to the one before {name} undoes both",
            )  # fmt: skip
        return [tx]
    if not committed:
        raise AgentError(
            "unknown", "there is nothing to roll back on this host", step="rollback",
            action="invoke history",
        )  # fmt: skip
    return committed[:1]


def _before(transactions: store.Store, undone: Sequence[Undone]) -> dict[str, dict[str, Any]]:
    """Return what each path must be again: as the oldest undone transaction found it."""
    before = {}
    for one in undone:  # newest first, so that the oldest has the last word
        for record in reversed(transactions.find(one.tx).journal.records()):
            if record["do"] in KINDS:
                before[record["path"]] = {k: v for k, v in record["before"].items() if k in TOLD}
    return before
