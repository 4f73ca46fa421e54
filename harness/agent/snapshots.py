"""Take a snapshot of files, read it back, and tell whether it is whole.

A snapshot is a folder beside the transactions' that changed nothing: contents by digest, as undo
keeps them, and one catalogue, itself kept by its digest, which the folder's meta.json names. It
appears under its name by one rename, whole, and its state, pinned, never turns into another.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import manifest, naming, placing, space, store
from .failing import SIGNALS, AgentError, translated
from .machine import Machine
from .paths import back_up, refuse_kind
from .places import place
from .states import identity, snapshot

#: More is no configuration but data, in bytes; a restore holds that much in memory.
MOST_BYTES = 64 * 1024 * 1024

#: The next thing to type where a snapshot is not what one thought.
LIST = "invoke backup.list"

Entry = dict[str, Any]


def take(
    machine: Machine,
    transactions: store.Store,
    name: str,
    meta: Mapping[str, Any],
    named: Sequence[str],
    check: Callable[[], None],
) -> dict[str, Any]:
    """Keep the named paths, or all managed ones, and return what `tell` does.

    Raises AgentError with nothing left behind; the caller holds the lock. `check` raises GoneError
    when the laptop has left.
    """
    managed = manifest.current(transactions)
    if not named and not managed:
        raise AgentError(
            "refused", "nothing is deployed here, so no file is managed",
            action="invoke backup --path P, for each path that you mean",
        )  # fmt: skip
    chosen = naming.below(machine, named) if named else dict.fromkeys(sorted(managed), False)
    entries: dict[str, Entry] = {}
    for path, walked in chosen.items():
        entries[path] = {**look(machine, path), "walked": walked, "managed": path in managed}
    total = sum(int(entry.get("size", 0)) for entry in entries.values())
    _refuse_size(machine, entries, total)
    transactions.refuse_name(name)

    def fill(one: store.Transaction) -> Mapping[str, Any]:
        for path, entry in entries.items():
            check()
            if entry["kind"] == "file":
                with about(path), place(machine, path) as where:
                    back_up(where, entry["sha256"], one)
                    if identity(where.stat()) != entry["identity"]:
                        raise AgentError("drifted", f"{path} is being written by somebody else")
        raw = json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()
        catalogue = hashlib.sha256(raw).hexdigest()
        store.keep(one, catalogue, raw)
        placing.sync_folder(os.path.join(one.folder, "backups"))
        return {"catalogue_sha256": catalogue, "paths": len(entries), "bytes": total}

    try:
        one = transactions.create(name, {**meta, "kind": "backup"}, store.PINNED, fill)
        return tell(one)
    except BaseException as error:
        with SIGNALS.held_off():
            transactions.discard(name)
        failure = translated(error, "backup")
        if failure.kind == "space":
            failure.action = space.action("back up")
        raise failure from error


def look(machine: Machine, path: str) -> Entry:
    """Return everything about a path but its content; raises AgentError if it cannot be restored.

    That is: a socket, a device, a file with several names.
    """
    with about(path):
        try:
            with place(machine, path) as where:
                state = snapshot(machine, where)
                refuse_kind("file" if state["kind"] != "dir" else "dir", where, state)
                return state
        except AgentError as error:
            if error.kind != "absent":
                raise
            return {"kind": "absent"}


def _refuse_size(machine: Machine, entries: Mapping[str, Entry], total: int) -> None:
    if total > MOST_BYTES:
        raise AgentError(
            "refused",
            f"the files have {total // 1024} KiB, and a snapshot at most {MOST_BYTES // 1024} KiB",
            action="name fewer with --path",
        )
    needed = space.MARGIN + total + len(entries) * space.BLOCK
    space.refuse_full(machine.store, needed, "the snapshot", space.action("back up"))


def pinned(transactions: store.Store, name: str) -> store.Transaction:
    """Return the snapshot of this full id; raises AgentError where there is none."""
    one = next((one for one in transactions.all() if one.id == name), None)
    if one is None or one.state != store.PINNED:
        raise AgentError("unknown", f"no snapshot {name!r} on this host", action=LIST)
    return one


def entries(one: store.Transaction) -> dict[str, Entry]:
    """Return what a snapshot holds, each content checked; raises AgentError if it is damaged."""
    found: dict[str, Entry] = json.loads(read(one, str(one.meta.get("catalogue_sha256")), "list"))
    for path, entry in found.items():
        if entry["kind"] == "file":
            read(one, entry["sha256"], path)
    return found


def read(one: store.Transaction, digest: str, of: str) -> bytes:
    """Return one content of a snapshot, checked; raises AgentError if it is damaged."""
    try:
        with open(one.backup(digest), "rb") as file:
            raw = file.read()
    except OSError as error:
        raise _damaged(one, f"the kept {of} cannot be read: {error.strerror}") from None
    if hashlib.sha256(raw).hexdigest() != digest:
        raise _damaged(one, f"the kept {of} is not what was kept")
    return raw


def tell(one: store.Transaction) -> dict[str, Any]:
    """Return what a list says of a snapshot; `damage` is empty where it is whole."""
    damage = ""
    try:
        entries(one)
    except AgentError as error:
        damage = error.cause
    keys = ("at_s", "operator", "from", "paths", "bytes", "catalogue_sha256")
    return {"id": one.id, "damage": damage, **{key: one.meta.get(key) for key in keys}}


def tell_all(transactions: store.Store) -> list[dict[str, Any]]:
    """Return what `tell` does of every snapshot, in the order in which they were taken."""
    return [tell(one) for one in transactions.all() if one.state == store.PINNED]


def _damaged(one: store.Transaction, cause: str) -> AgentError:
    return AgentError(
        "damaged", f"the snapshot {one.id} is damaged: {cause}", step="check",
        action=f"{LIST}: choose another; what is left of this one is in {one.folder}",
    )  # fmt: skip


@contextlib.contextmanager
def about(path: str) -> Iterator[None]:
    """Name the path in whatever goes wrong with it."""
    try:
        yield
    except OSError as error:
        raise translated(error, f"backup {path}") from None
