"""The dead man's switch of a transaction: what goes off when nobody confirms in time.

It outlives the agent, the connection and the laptop: on systemd a transient timer, and for a
reboot, which no timer outlives, a unit that the next boot runs. Stopping either is only tidying
up: who wins, a confirm or the switch, is decided by the one rename of the transaction's state.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import boot_unit, placing, store
from .awaiting import NAME, boot_id, left_s, read
from .failing import AgentError
from .machine import Machine
from .services import ServiceError

#: However often it is put off, a transaction is not held longer than this, in seconds.
MOST_S = 6 * 3600.0
#: An undo has this long before the host takes it over, in seconds.
UNDO_S = 360.0
DECIDED = ("committed", "rolled_back")
#: A program that the host runs for a step has this long before the switch may go off, in seconds.
STEP_S: Mapping[str, float] = {"package": 2700.0, "release": 300.0}


def arm(
    machine: Machine,
    tx: store.Transaction,
    ttl_s: float,
    decided: Sequence[str] = DECIDED,
    *,
    retry_s: float = 0.0,
) -> None:
    """Have the host put `tx` back by itself, before its first step. Raises AgentError.

    First the deadline, then who watches it: whatever dies in between, nothing else has changed.
    In one of the states `decided` there is nothing left to do. An undo that fails is tried again
    for `retry_s`.
    """
    words = (sys.executable, "-I", "-S", os.path.join(tx.folder, "agent.pyz"))
    now = time.monotonic()
    _write(
        tx,
        {
            "boot_id": boot_id(), "until_s": now + ttl_s, "latest_s": now + MOST_S,
            "ttl_s": ttl_s, "retry_s": retry_s, "machine": machine.told(),
            "decided": [f"state-{each}" for each in decided],
            "made": boot_unit.missing_folders(machine) if machine.services.boots else [],
        },
    )  # fmt: skip
    try:
        machine.services.arm(_name(tx), (*words, "expire", tx.folder), ttl_s)
    except ServiceError as error:
        raise AgentError(
            "failed", f"the dead man's switch cannot be armed: {error}", step="switch"
        ) from None
    if machine.services.boots:
        boot_unit.place_unit(machine, tx.id, (*words, "boot", tx.folder))


def put_off(transactions: store.Store, name: str) -> float | None:
    """Begin the time of an applied transaction anew; returns what is left, None if not armed."""
    tx = transactions.find(name)
    if tx.state != "applied":
        raise AgentError("decided", f"the transaction {name} is {tx.state} already")
    said = read(tx.folder)
    return begin_anew(tx, said) if said else None


def begin_anew(tx: store.Transaction, said: dict[str, Any], more_s: float = 0.0) -> float:
    """Begin the time anew, with `more_s` for what takes longer; returns how much is left."""
    said["until_s"] = min(time.monotonic() + said["ttl_s"] + more_s, said["latest_s"])
    _write(tx, said)
    return left_s(said)


def arm_undo(machine: Machine, tx: store.Transaction) -> None:
    """Have the host finish the undo of a committed `tx`, whatever happens; the undo goes first."""
    if tx.meta.get("switch") and read(tx.folder) is None:
        with contextlib.suppress(AgentError, OSError):
            arm(machine, tx, UNDO_S, ("rolled_back",))


def before_step(tx: store.Transaction, step: Mapping[str, Any]) -> None:
    """See that the time is enough for a step of an apply that is going on."""
    said = read(tx.folder) if tx.meta.get("switch") else None
    if said is None:
        return
    more_s = STEP_S.get(step["do"], 0.0)
    if step["do"] == "settle":
        more_s = sum(float(unit.get("wait_s", 60)) for unit in step["units"])
    if left_s(said) < more_s + said["ttl_s"] / 2:
        begin_anew(tx, said, more_s)


def disarm(machine: Machine, tx: store.Transaction) -> None:
    """Take away everything of the switch, now that `tx` is decided; twice is fine.

    Its own record goes last, so that whoever comes after a crash in here finds what is left.
    """
    said = read(tx.folder)
    if said is None:
        return
    with contextlib.suppress(ServiceError):
        machine.services.disarm(_name(tx))
    if machine.services.boots:
        boot_unit.remove(machine, tx.id, said["made"])
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(tx.folder, NAME))


def _name(tx: store.Transaction) -> str:
    return f"quantum-ops-switch-{tx.id}"


def _write(tx: store.Transaction, said: Mapping[str, Any]) -> None:
    placing.whole(os.path.join(tx.folder, NAME), json.dumps(said).encode())
