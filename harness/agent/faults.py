"""Faults: transactions in a store of their own, which end by being undone.

An armed fault belongs to nobody's connection. Its lock is held while it is armed or undone, not
while it lasts, so that a host can have several and be deployed to meanwhile.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import faults_allowed, fingerprint, injecting, switch, transaction, undoing
from .awaiting import left_s, read
from .failing import AgentError, translated
from .late import faults_allowing
from .lock import Lock
from .machine import Machine
from .store import UNFINISHED, Store, Transaction

#: A fault lasts this long at most, and a host has this many at once.
LONGEST_S = 3600.0
MOST = 8
#: So many of those that are over are kept for who looks into them.
KEPT = 20
#: A fault has this long to be seen, in seconds, unless the request says otherwise.
SEEN_WITHIN_S = 15.0
#: The switch tries again for this long where something is in the way of the undo, in seconds.
RETRY_S = 900.0
#: An injector that still works on what is to be undone has this long before it is ended.
PATIENCE_S = 10.0
WAIT_WITHIN_S = 120.0
Check = Callable[[], None]


def answer(machine: Machine, frame: Mapping[str, Any], check: Check) -> Any:
    """Answer a request whose name begins with fault_."""
    doing = {
        "fault_arm": arm, "fault_observe": observe, "fault_undo": undo, "fault_list": tell,
        "fault_heal": heal, "fault_fingerprint": _fingerprint,
        "fault_allow": _allow, "fault_forbid": _forbid, "fault_allowed": _allowed,
    }.get(str(frame["do"]))  # fmt: skip
    if doing is None:
        raise AgentError("request", f"the agent does not know how to {frame['do']!r}")
    return doing(machine, frame, check)


def store_of(machine: Machine) -> Store:
    """Return the store of this host's faults."""
    return Store(os.path.join(machine.store, "faults"))


def arm(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Journal, arm the undo, inject, observe; what is not observed is undone at once."""
    faults_allowed.refuse(machine, frame.get("inventory"), frame.get("mode"))
    ttl_s = float(frame["ttl_s"])
    if not (math.isfinite(ttl_s) and 0 < ttl_s <= LONGEST_S):
        raise AgentError("request", f"a fault lasts up to {LONGEST_S:.0f} s, not {ttl_s}")
    name, steps, who = frame["tx"], frame["steps"], frame.get("meta") or {}
    faults = store_of(machine)
    os.makedirs(faults.base, mode=0o700, exist_ok=True)
    with Lock(faults.base).held(who, name):
        # whoever forbids them holds the lock meanwhile
        faults_allowed.refuse(machine, frame.get("inventory"), frame.get("mode"))
        faults.ensure()
        _tidy(machine, faults)
        _refuse_more(faults, steps)
        faults.refuse_name(name)
        injecting.refuse(machine, steps)
        try:
            faults.create(name, {**who, "kind": "fault", "steps": steps})
            tx = faults.find(name)
            _arm_undo(machine, tx, ttl_s)
            _inject(machine, tx, steps, check)
            within_s = float(frame.get("seen_within_s") or SEEN_WITHIN_S)
            seen = injecting.wait(machine, tx.journal.records(), "on", within_s, check)
            tx = faults.turn(tx, "applied")
        except BaseException as error:
            failure = translated(error, name)
            work = transaction.Work(machine, faults, {}, lambda _event: None, check)
            ours = [one for one in faults.all() if one.id == name and one.state in UNFINISHED]
            transaction.put_back(work, ours[0] if ours else None, failure)
            raise failure from error
    return {"state": "active", "tx": name, "observed": seen, "left_s": _left_s(tx)}


def _arm_undo(machine: Machine, tx: Transaction, ttl_s: float) -> None:
    transaction.keep_agent(tx)
    switch.arm(machine, tx, ttl_s, ("rolled_back",), retry_s=RETRY_S)


_inject = injecting.inject


def observe(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Tell what is seen of one fault now."""
    del check
    tx = _find(store_of(machine), frame["tx"])
    seen = injecting.look(machine, tx.journal.records())
    return {**_told(tx), "observed": seen}


def undo(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Undo one fault, see that it is gone, disarm; twice is fine.

    Whoever has others to undo asks for it to be gone within `gone_within_s`, and asks again.
    """
    del check
    faults = store_of(machine)
    tx = _find(faults, frame["tx"])
    within_s = frame.get("gone_within_s")
    within_s = injecting.GONE_WITHIN_S if within_s is None else float(within_s)
    with _in_turn(faults, frame, tx.id):
        _undo_one(machine, faults, tx, within_s)
    return {"state": "rolled_back", "tx": tx.id, "observed": _last_look(machine, tx)}


def heal(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Undo every fault of this host, newest first, whoever has injected it."""
    del check
    faults, healed, problems = store_of(machine), list[str](), list[str]()
    for tx in reversed(faults.all()):
        if tx.state not in UNFINISHED and read(tx.folder) is None:
            continue
        try:
            with _in_turn(faults, frame, tx.id):
                _undo_one(machine, faults, tx)
            healed += [tx.id] if tx.state in UNFINISHED else []
        except AgentError as error:  # the others go all the same
            problems.append(error.cause)
    if problems:
        raise AgentError(
            "in_doubt", "; ".join(problems), step="heal", state="in_doubt",
            action="mend that and heal again: invoke faults.heal",
        )  # fmt: skip
    return {"healed": healed}


def tell(machine: Machine, frame: Mapping[str, Any], check: Check) -> list[dict[str, Any]]:
    """Tell every fault that is not over, oldest first; with `all` those that are over as well."""
    del check
    found = store_of(machine).all()
    return [_told(tx) for tx in found if tx.state in UNFINISHED or frame.get("all")]


def _allowed(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Tell for how many seconds this host may be broken yet; an error says why not at all."""
    del check
    faults_allowed.refuse(machine, frame.get("inventory"), frame.get("mode"))
    return {"left_s": faults_allowed.until_s(faults_allowed.marker(machine)) - time.time()}


def _fingerprint(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    del check
    return fingerprint.take(
        machine, paths=frame.get("paths") or [], units=frame.get("units") or [],
        servers=frame.get("servers") or [],
    )  # fmt: skip


def _allow(machine: Machine, frame: Mapping[str, Any], check: Check) -> Any:
    return faults_allowing.allow(machine, frame, check)


def _forbid(machine: Machine, frame: Mapping[str, Any], check: Check) -> Any:
    return faults_allowing.forbid(machine, frame, check)


def _told(tx: Transaction) -> dict[str, Any]:
    meta = tx.meta
    return {
        "tx": tx.id, "state": {"applied": "active"}.get(tx.state, tx.state),
        "at_s": meta.get("at_s"), "operator": meta.get("operator", ""),
        "from": meta.get("from", ""), "steps": [injecting.title(each) for each in meta["steps"]],
        "left_s": _left_s(tx),
    }  # fmt: skip


def _left_s(tx: Transaction) -> float | None:
    """Return how long it lasts yet, below 0 when it is overdue; None when it is not armed."""
    said = read(tx.folder)
    return round(left_s(said), 3) if said else None


def _find(faults: Store, name: str) -> Transaction:
    for one in faults.all():
        if one.id == name:
            return one
    raise AgentError(
        "unknown",
        f"no fault {name!r} on this host",
        action="invoke faults.heal: nothing is left to undo",
    )


@contextlib.contextmanager
def _in_turn(faults: Store, frame: Mapping[str, Any], name: str) -> Iterator[None]:
    """Hold the lock; an injector that hangs amid this very fault is ended for it."""
    lock, who = Lock(faults.base), frame.get("meta") or {}
    lock.take_over(who, name, None, patience_s=PATIENCE_S, within_s=WAIT_WITHIN_S)
    try:
        yield
    finally:
        lock.free()


def _undo_one(
    machine: Machine,
    faults: Store,
    tx: Transaction,
    within_s: float = injecting.GONE_WITHIN_S,
) -> None:
    while (now := _find(faults, tx.id)).state in UNFINISHED:
        try:
            undoing.undo(machine, faults, now, within_s)
        except AgentError as error:
            if error.kind != "decided":  # the switch went off between the look and the undo
                raise
    # whoever undid it may have died before the switch was taken away
    switch.disarm(machine, now)


def _last_look(machine: Machine, tx: Transaction) -> list[dict[str, Any]]:
    return injecting.look(machine, tx.journal.records())


def _tidy(machine: Machine, faults: Store) -> None:
    """Undo what a dead injector has left in the middle, or its switch missed; forget the oldest.

    We hold the lock: whoever was amid one of them is no more. One that is undone and not gone yet
    is left to its switch, which goes on: it may wait for the end of another fault.
    """
    for tx in reversed(faults.all()):
        left = _left_s(tx)
        overdue = tx.state == "applied" and (left is None or left <= -PATIENCE_S)
        if tx.state in ("open", "undoing") or overdue:
            try:
                undoing.undo(machine, faults, tx, gone_within_s=0.0)
            except AgentError:
                if read(tx.folder) is None:
                    raise
    over = [tx for tx in faults.all() if tx.state not in UNFINISHED]
    for tx in over[:-KEPT]:
        switch.disarm(machine, tx)
        faults.discard(tx.id)


def _refuse_more(faults: Store, steps: Sequence[Mapping[str, Any]]) -> None:
    """Raise AgentError when another fault changes the same, or there are too many already."""
    active = [tx for tx in faults.all() if tx.state in UNFINISHED]
    wanted = set().union(*map(injecting.touched, steps))
    for tx in active:
        if both := wanted & set().union(*map(injecting.touched, tx.meta["steps"])):
            raise AgentError(
                "refused", f"the fault {tx.id} has changed the same: {', '.join(sorted(both))}",
                step="guard", action="wait for its end, or invoke faults.heal",
            )  # fmt: skip
    if len(active) >= MOST:
        raise AgentError(
            "refused", f"this host has {len(active)} faults at once already", step="guard",
            action="invoke faults.heal",
        )  # fmt: skip
