"""Put back what nobody confirmed in time: as the switch that goes off, or as a boot after a cut.

One rename takes the decision, as for a confirm: whoever is second finds it taken. Then whoever
still works on the transaction is fenced and ended, and only when the lock is free things go back.
"""

from __future__ import annotations

import os
import sys
import time

from . import awaiting, opening, switch
from .failing import SIGNALS, AgentError, one_line
from .lock import Lock, holder
from .machine import Machine
from .store import UNFINISHED, Store, Transaction
from .undoing import undo

#: Who is already putting it back is left in peace this long, in seconds.
UNDO_PATIENCE_S = 300.0
#: A holder that cannot be ended, or one who does something else, is waited for this long.
TAKE_OVER_WITHIN_S = 1800.0
#: How often an undo that fails is tried again, where that is asked for, in seconds. A fault has no
#: longer to be gone: meanwhile the lock is held, and it may wait for the end of another one.
RETRY_EVERY_S = 5.0
#: Exit statuses: it is decided and tidied up; something is left to be mended.
DONE, LEFT = 0, 1
WHO = {"operator": "the dead man's switch", "from": "the host itself"}


def run(folder: str, *, booting: bool) -> int:
    """See the transaction in `folder` to its end and return the exit status."""
    SIGNALS.install()
    said = awaiting.read(folder)
    if said is None:
        return DONE
    machine = opening.machine(said["machine"], booting=booting)
    store = Store(os.path.dirname(os.path.dirname(folder)))
    # a boot waits for us, and must not wait for what may never go
    until = time.monotonic() + (0.0 if booting else float(said.get("retry_s", 0)))
    while True:
        try:
            _see_to_it(machine, store, os.path.basename(folder))
        except (AgentError, OSError) as error:
            if time.monotonic() >= until:
                sys.stderr.write(f"{folder}: {one_line(error)}\n")
                return LEFT
            time.sleep(RETRY_EVERY_S)
        else:
            return DONE


def _see_to_it(machine: Machine, store: Store, name: str) -> None:
    held = holder(store.base) or {}
    tx, ours = _decide(store, name)
    if tx.state in UNFINISHED:
        _put_back(machine, store, tx, held.get("generation") if ours else None)
    switch.disarm(machine, store.find(tx.id))


def _decide(store: Store, name: str) -> tuple[Transaction, bool]:
    """Return the transaction, undecided no more, and whether it was we who turned it."""
    while True:
        tx = store.find(name)
        if tx.state not in ("open", "applied"):
            return tx, False
        try:
            return store.turn(tx, "undoing"), True
        except AgentError as error:
            if error.kind != "decided":
                raise


def _put_back(machine: Machine, store: Store, tx: Transaction, stale: object) -> None:
    """Undo it under the lock; the holder `stale` had its time, others have theirs."""
    lock = Lock(store.base)
    lock.take_over(WHO, tx.id, stale, patience_s=UNDO_PATIENCE_S, within_s=TAKE_OVER_WITHIN_S)
    try:
        again = store.find(tx.id)
        if again.state in UNFINISHED:
            undo(machine, store, again, gone_within_s=RETRY_EVERY_S)
    finally:
        lock.free()
