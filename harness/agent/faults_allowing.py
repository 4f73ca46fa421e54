"""Say on this host that it may be broken, and until when; and take that back.

Two files of root's: the marker that faults_allowed.py reads, which ends by its own time, and the
password by which faults change settings of a Redis, which goes when faults are forbidden. They are
in no transaction and no manifest: no deploy lays them down, no rollback takes them away.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import faults, faults_allowed, placing
from .failing import AgentError
from .lock import Lock
from .machine import Machine
from .places import Place, place
from .store import UNFINISHED

#: Read by every fault that changes settings of Redis, also as it is undone.
PASSWORD = "/etc/quantum/faults-redis-password"  # noqa: S105  where it lies
#: Nobody allows faults for longer, in seconds.
LONGEST_S = 86_400.0
Check = Callable[[], None]


def allow(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Write the marker and the password, or no password where none is given."""
    del check
    inventory, mode, within_s = frame.get("inventory"), frame.get("mode"), float(frame["within_s"])
    faults_allowed.refuse_mode(mode)
    faults_allowed.refuse_trading(machine)
    if not (math.isfinite(within_s) and 0 < within_s <= LONGEST_S):
        raise AgentError(
            "request", f"faults are allowed for up to {LONGEST_S:.0f} s, not {within_s}"
        )
    # by the clock that it will be held against
    until = time.strftime(faults_allowed.TIME, time.gmtime(time.time() + within_s))
    password = frame.get("password") or ""
    with _alone(machine, frame):
        _refuse_anothers(machine, inventory)
        try:
            text = f"inventory={inventory}\nuntil={until}\n"
            _put(machine, faults_allowed.MARKER, text.encode(), 0o644)
            if password:
                _put(machine, PASSWORD, password.encode(), 0o600)
            else:
                _take_password(machine)
            faults_allowed.refuse(machine, inventory, mode)
        except BaseException:
            _take(machine, faults_allowed.MARKER)
            _take_password(machine)
            raise
    return {"until": until, "password": bool(password)}


def forbid(machine: Machine, frame: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """Take the marker, undo what is broken, take the password; twice is fine.

    While a fault cannot be undone the password stays: the undo reads it.
    """
    with _alone(machine, frame):
        allowed = _take(machine, faults_allowed.MARKER)
    try:
        healed = faults.heal(machine, frame, check)["healed"]
    except AgentError as error:
        error.action = "mend that, then invoke faults.forbid once more"
        raise
    with _alone(machine, frame):
        left = _take_password(machine)
    if left:
        raise AgentError(
            "in_doubt", f"these faults are there yet: {', '.join(left)}", step="forbid",
            state="in_doubt", action="invoke faults.forbid once more",
        )  # fmt: skip
    return {"allowed": allowed, "healed": healed}


@contextlib.contextmanager
def _alone(machine: Machine, frame: Mapping[str, Any]) -> Iterator[None]:
    """Hold the lock of faults: nobody looks at the marker and injects while it changes."""
    base = faults.store_of(machine).base
    os.makedirs(base, mode=0o700, exist_ok=True)
    lock = Lock(base)
    lock.take_over(
        frame.get("meta") or {}, str(frame["do"]), None,
        patience_s=faults.PATIENCE_S, within_s=faults.WAIT_WITHIN_S,
    )  # fmt: skip
    try:
        yield
    finally:
        lock.free()


def _refuse_anothers(machine: Machine, inventory: object) -> None:
    """Raise AgentError while the host may be broken by another inventory."""
    try:
        said = faults_allowed.marker(machine)
        is_over = faults_allowed.until_s(said) <= time.time()
    except AgentError:
        return  # what says nothing clear allows nothing
    if not is_over and said["inventory"] != inventory:
        raise AgentError(
            "refused",
            f"it allows faults to the inventory {said['inventory']!r} until {said['until']}",
            step="guard", action=f"agree with them: invoke faults.forbid -i {said['inventory']}",
        )  # fmt: skip


def _put(machine: Machine, path: str, content: bytes, mode: int) -> None:
    try:
        with place(machine, path) as where:
            placing.remove_name(where, _beside(where))
            ids = machine.ids("root", "root")
            placing.put_file(where, _beside(where), content, None, mode=mode, ids=ids)
    except AgentError as error:
        if error.kind == "absent":
            error.action = "invoke deploy: what is deployed can be broken"
        raise


def _take_password(machine: Machine) -> list[str]:
    """Take the password away, unless faults are left whose undo may need it; return these."""
    left = [tx.id for tx in faults.store_of(machine).all() if tx.state in UNFINISHED]
    if not left:
        _take(machine, PASSWORD)
    return left


def _take(machine: Machine, path: str) -> bool:
    """Take a file away, also one that was never finished; return whether it was there."""
    try:
        with place(machine, path) as where:
            placing.remove_name(where, _beside(where))
            was_there = where.stat() is not None
            placing.take_away(where)
    except AgentError as error:
        if error.kind != "absent":
            raise
        return False
    return was_there


def _beside(where: Place) -> str:
    return f".{where.name}.tmp"
