"""The transactions of this host: their folders, their order, and one rename that decides each.

A transaction's state is the name of one file in its folder, so that of two who want to decide
(a commit and a rollback) exactly one succeeds. Order is a number, never the clock or the name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping

from . import placing
from .boundaries import cross
from .failing import AgentError
from .journal import Journal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: open -> applied -> committed, and from each of them -> undoing -> rolled_back
STATES = ("open", "applied", "committed", "undoing", "rolled_back")
UNFINISHED = frozenset({"open", "applied", "undoing"})
#: A snapshot's only state: it changed nothing, so nothing undoes it, and it never turns.
PINNED = "pinned"
#: A committed transaction that can be undone no more: its manifest says what stood before the rest.
PRUNED = "pruned"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Transaction:
    """One transaction on disk, as it was when it was read."""

    __slots__ = ("folder", "id", "meta", "sequence", "state")

    def __init__(
        self, name: str, folder: str, sequence: int, state: str, meta: Mapping[str, Any]
    ) -> None:
        self.id, self.folder, self.sequence = name, folder, sequence
        self.state, self.meta = state, meta

    @property
    def journal(self) -> Journal:
        """Return its journal."""
        return Journal(self.folder)

    @property
    def ballast(self) -> str:
        """Return the path of the space kept for an undo on a full disk."""
        return os.path.join(self.folder, "ballast")

    def backup(self, digest: str) -> str:
        """Return where the content with this digest is kept."""
        return os.path.join(self.folder, "backups", digest)

    def manifest(self) -> dict[str, Any]:
        """Return the managed paths as this transaction left them."""
        try:
            with open(os.path.join(self.folder, "manifest.json"), encoding="utf-8") as file:
                return dict(json.load(file))
        except FileNotFoundError:
            return {}

    def summary(self) -> dict[str, Any]:
        """Return what `hello` tells of it."""
        return {
            "id": self.id,
            "sequence": self.sequence,
            "state": self.state,
            "at_s": self.meta.get("at_s"),
            "operator": self.meta.get("operator", ""),
            "kind": self.meta.get("kind", ""),
        }


class Store:
    """The folder of all transactions."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._all = os.path.join(base, "tx")

    def ensure(self) -> None:
        """Make the folders, for root alone; sweep up what a crash left before anything changed."""
        import shutil  # late, as all that a look does without; here, before anything changes

        os.makedirs(os.path.dirname(self.base), exist_ok=True)
        for folder in (self.base, self._all):
            if not os.path.isdir(folder):
                os.mkdir(folder, mode=0o700)
                placing.sync_folder(os.path.dirname(folder))
        os.chmod(self.base, 0o700)
        for name in os.listdir(self._all):
            if name.startswith("."):
                shutil.rmtree(os.path.join(self._all, name))

    def all(self) -> list[Transaction]:
        """Return every transaction, oldest first; writes nothing."""
        try:
            names = os.listdir(self._all)
        except FileNotFoundError:
            return []
        found = [self._read(name) for name in names if not name.startswith(".")]
        return sorted(found, key=lambda one: one.sequence)

    def _read(self, name: str) -> Transaction:
        folder = os.path.join(self._all, name)
        try:
            with open(os.path.join(folder, "meta.json"), encoding="utf-8") as file:
                meta = json.load(file)
                meta["sequence"] = int(meta["sequence"])
        except (OSError, ValueError, TypeError, KeyError):
            # one that only lies there must not be in the way of all others; it is told as damaged
            if not os.path.exists(os.path.join(folder, f"state-{PINNED}")):
                raise
            return Transaction(name, folder, 0, PINNED, {})
        prefix = "state-"
        # a rename may fall between two looks, so look again
        for _ in range(10):
            for entry in os.listdir(folder):
                if entry.startswith(prefix):
                    return Transaction(name, folder, meta["sequence"], entry[len(prefix) :], meta)
        raise AgentError("internal", f"the transaction {name} has no state", action=f"see {folder}")

    def find(self, name: str) -> Transaction:
        """Return one transaction; raises AgentError when there is none of that name."""
        for one in self.all():
            if one.id == name:
                return one
        raise AgentError(
            "unknown", f"no transaction {name!r} on this host", action="invoke history"
        )

    def newest(self, *states: str) -> Transaction | None:
        """Return the newest transaction in one of the states."""
        return next((one for one in reversed(self.all()) if one.state in states), None)

    def refuse_name(self, name: str) -> None:
        """Raise AgentError for a name that is none, or taken."""
        if not _ID.fullmatch(name):
            raise AgentError("request", f"{name!r} is no name for a transaction")
        if any(one.id == name for one in self.all()):
            raise AgentError("request", f"the transaction {name} exists already")

    def create(
        self,
        name: str,
        meta: Mapping[str, Any],
        state: str = "open",
        fill: Callable[[Transaction], Mapping[str, Any]] = lambda _one: {},
    ) -> Transaction:
        """Begin a transaction: a complete folder appears under its name, or nothing does.

        `fill` may put contents into it before it appears, and returns what else to keep of it.
        """
        self.refuse_name(name)
        existing = self.all()
        sequence = max((one.sequence for one in existing), default=0) + 1
        full = {**meta, "sequence": sequence, "at_s": time.time()}
        beside = os.path.join(self._all, f".{name}")
        os.makedirs(os.path.join(beside, "backups"), mode=0o700)
        full |= fill(Transaction(name, beside, sequence, state, full))
        placing.whole(os.path.join(beside, "meta.json"), json.dumps(full).encode())
        placing.whole(os.path.join(beside, f"state-{state}"), b"")
        folder = os.path.join(self._all, name)
        cross()
        os.rename(beside, folder)
        placing.sync_folder(self._all)
        cross()
        return Transaction(name, folder, sequence, state, full)

    def discard(self, name: str) -> None:
        """Remove what a `create` that failed has left; the name goes first, then the contents."""
        import shutil

        beside = os.path.join(self._all, f".{name}")
        with contextlib.suppress(FileNotFoundError):
            os.rename(os.path.join(self._all, name), beside)
        shutil.rmtree(beside, ignore_errors=True)

    def turn(self, one: Transaction, to: str) -> Transaction:
        """Move a transaction to its next state by one rename; raises AgentError if it lost."""
        if one.state == to:
            return one
        if one.state == PINNED:
            raise AgentError(
                "refused", f"{one.id} is a snapshot: it changed nothing, and stays",
                action=f"invoke backup.restore --id {one.id}",
            )  # fmt: skip
        cross()
        try:
            os.rename(
                os.path.join(one.folder, f"state-{one.state}"),
                os.path.join(one.folder, f"state-{to}"),
            )
        except FileNotFoundError:
            now = self.find(one.id).state
            raise AgentError("decided", f"the transaction {one.id} is {now} already") from None
        cross()
        placing.sync_folder(one.folder)
        return Transaction(one.id, one.folder, one.sequence, to, one.meta)


def keep(one: Transaction, digest: str, content: bytes) -> None:
    """Keep a content under its digest, durably; twice is fine."""
    path = one.backup(digest)
    with contextlib.suppress(FileNotFoundError):
        if os.stat(path).st_size == len(content):
            return
    placing.whole(path, content)
