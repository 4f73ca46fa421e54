"""Confirm over a new connection, and settle an answer that was lost by asking again."""

from __future__ import annotations

import contextlib
import time

from commands.showing import Display
from harness.contact import Contact, reach
from harness.errors import InDoubtError, QuantumError, UnreachableError
from harness.switches import Switch

#: Connections on which a confirm is sent: the first, and one more when its answer is lost.
CONNECTIONS = 2
#: A host that is putting back is waited for this long, in seconds.
PUT_BACK_WITHIN_S = 120.0
LOOK_EVERY_S = 0.5
#: The states that a transaction stays in.
FINAL = frozenset({"committed", "rolled_back"})
IN_DOUBT = "in_doubt"


def confirm(contact: Contact, transaction: str, switch: Switch, display: Display) -> str:
    """Keep what `contact` has applied; returns the state that the host told: never a guess.

    That is committed, rolled_back, or in_doubt where nobody answers. Raises QuantumError when the
    host refuses.
    """
    for _ in range(CONNECTIONS):
        with contextlib.suppress(InDoubtError, UnreachableError):
            again = reach(contact.host, display)
            try:
                state = _asked(again, transaction, switch)
            finally:
                again.close()
            if state == "committed":
                _let_go(contact, transaction)
            return state
    return IN_DOUBT


def _asked(again: Contact, transaction: str, switch: Switch) -> str:
    """Return the state after the confirm; one that is on its way back is waited for."""
    deadline = time.monotonic() + PUT_BACK_WITHIN_S
    while True:
        state = str(again.session.confirm(transaction, switch.token)["state"])
        if state in FINAL:
            return state
        if time.monotonic() > deadline:
            return IN_DOUBT
        time.sleep(LOOK_EVERY_S)


def _let_go(contact: Contact, transaction: str) -> None:
    """Have the session that applied it free the lock; one that is gone has freed it already."""
    with contextlib.suppress(QuantumError):
        contact.session.commit(transaction)


def ask_again(contact: Contact, transaction: str, display: Display) -> str:
    """Settle the lost reply to a rollback by asking the host itself over a new connection."""
    deadline = time.monotonic() + PUT_BACK_WITHIN_S
    try:
        again = reach(contact.host, display)
        try:
            while True:
                told = {each["id"]: each["state"] for each in again.session.transactions()}
                state = str(told.get(transaction, IN_DOUBT))
                if state != "undoing" or time.monotonic() > deadline:
                    return state if state in FINAL else IN_DOUBT
                time.sleep(LOOK_EVERY_S)
        finally:
            again.close()
    except QuantumError:
        return IN_DOUBT
