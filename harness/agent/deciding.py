"""Decide a transaction: keep it, by the one who applied it or by its token, or put it back."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from typing import Any

from . import switch
from .failing import SIGNALS, AgentError
from .machine import Machine
from .store import Store, Transaction


def keep(machine: Machine, store: Store, tx: Transaction) -> dict[str, Any]:
    """Turn an applied transaction to committed: one rename. Raises AgentError "decided"."""
    with SIGNALS.held_off():
        tx = store.turn(tx, "committed")
        with contextlib.suppress(OSError):
            os.unlink(tx.ballast)
        _tidy_up(machine, tx)
    return {"state": "committed", "tx": tx.id}


def _tidy_up(machine: Machine, tx: Transaction) -> None:
    """Take the switch away; what stays of it is harmless now, and takes itself away later."""
    with contextlib.suppress(AgentError, OSError):
        switch.disarm(machine, tx)


def confirm(machine: Machine, store: Store, name: str, token: str) -> dict[str, Any]:
    """Keep what another connection applied, by the token of which the host has the digest.

    Returns the state that holds; asked again, it answers the same. Raises AgentError.
    """
    tx = store.find(name)
    known = str((tx.meta.get("switch") or {}).get("token_sha256", ""))
    if not hmac.compare_digest(hashlib.sha256(token.encode()).hexdigest(), known):
        raise AgentError("refused", f"that is not the token of the transaction {name}")
    if tx.state == "open":
        raise AgentError("refused", f"the transaction {name} is not applied yet")
    if tx.state == "applied":
        try:
            return keep(machine, store, tx)
        except AgentError as error:
            if error.kind != "decided":
                raise
            tx = store.find(name)
    if tx.state == "committed":  # whoever did it may have died before it was tidied up
        _tidy_up(machine, tx)
    return {"state": tx.state, "tx": name}


def refuse_armed(tx: Transaction) -> None:
    """Raise AgentError for a transaction that only a new connection may keep."""
    if tx.meta.get("switch"):
        raise AgentError(
            "refused", f"the transaction {tx.id} is confirmed over a new connection, by its token"
        )
