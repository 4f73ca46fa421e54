"""Play a journal backwards; each undo is safe if its step never ran, and safe to run twice."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import placing, releases, settling, store, switch
from .boundaries import BOUNDARIES
from .failing import IN_DOUBT, SIGNALS, AgentError, one_line
from .late import injecting
from .machine import Machine
from .paths import KINDS
from .places import Place, place
from .states import differences, snapshot


@dataclass
class Undone:
    """What one rollback put back, kept and found changed."""

    tx: str
    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    drifted: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return it as the reply tells it."""
        return {
            "tx": self.tx,
            "restored": self.restored,
            "kept": self.kept,
            "users": self.users,
            "drifted": self.drifted,
            "problems": self.problems,
        }


def undo(
    machine: Machine,
    transactions: store.Store,
    tx: store.Transaction,
    gone_within_s: float = injecting.GONE_WITHIN_S,
) -> Undone:
    """Put the host back to what it was before `tx`; raises AgentError "in_doubt" if it cannot.

    Order matters: what the transaction started is stopped while its unit file is still there,
    then every path goes back, newest first, and what ran before runs again from the old files.
    What a fault did has `gone_within_s` to be gone.
    """
    BOUNDARIES.fence()
    with SIGNALS.held_off():
        if tx.state == "committed":
            switch.arm_undo(machine, tx)
        tx = transactions.turn(tx, "undoing")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(tx.ballast)
        undone = Undone(tx.id)
        records = tx.journal.records()
        is_fault = tx.meta.get("kind") == "fault"
        try:
            if is_fault:
                injecting.undo_all(machine, records, gone_within_s)
            else:
                _undo_all(machine, tx, records, undone)
            switch.disarm(machine, transactions.turn(tx, "rolled_back"))
        except Exception as error:
            step = getattr(error, "step", "") or "rollback"
            again = "faults.heal" if is_fault else "rollback"
            raise AgentError(
                "in_doubt", f"the undo of {tx.id} stopped: {one_line(error)}", step=step,
                action=f"mend that and run invoke {again}; all that is needed is in {tx.folder}",
                state=IN_DOUBT,
            ) from error  # fmt: skip
    return undone


def _undo_all(
    machine: Machine, tx: store.Transaction, records: list[dict[str, Any]], undone: Undone
) -> None:
    nothing: dict[str, Any] = {"units": []}
    held = next((record for record in records if record["do"] == "hold"), nothing)
    units = settling.changed(machine, held)
    settling.stop(machine, units)
    for record in reversed(records):
        try:
            BOUNDARIES.fence()
            _undo_one(machine, tx, record, undone)
        except Exception as error:
            raise AgentError(
                "in_doubt", one_line(error), step=str(record.get("path", record["do"]))
            ) from error
    touched = [record["path"] for record in records if "path" in record]
    undone.problems += settling.bring_back(machine, units, touched)
    # one that crashed meanwhile may have been started again from what was there before the undo
    since = [unit for unit in settling.changed(machine, held) if unit not in units]
    settling.stop(machine, since)
    undone.problems += settling.bring_back(machine, since, ())


def _undo_one(
    machine: Machine, tx: store.Transaction, record: Mapping[str, Any], undone: Undone
) -> None:
    if record["do"] == "package":
        undone.kept.append(record["name"])
    elif record["do"] == "user":
        undone.users.append(record["name"])
    elif record["do"] == "release":
        with _parent_may_be_gone():
            if releases.undo(machine, record):
                undone.restored.append(record["path"])
    elif record["do"] in KINDS:
        with _parent_may_be_gone():
            _undo_path(machine, tx, record, undone)


@contextlib.contextmanager
def _parent_may_be_gone() -> Iterator[None]:
    """Pass over a directory that an earlier undo has already removed."""
    try:
        yield
    except AgentError as error:
        if error.kind != "absent":
            raise


def _undo_path(
    machine: Machine, tx: store.Transaction, record: Mapping[str, Any], undone: Undone
) -> None:
    before = record["before"]
    with place(machine, record["path"]) as where:
        placing.remove_name(where, record["temporary"])
        now = snapshot(machine, where)
        _keep_drift(where, now, record, tx, undone)
        if not same(before, now):
            _restore(where, before, tx, record["temporary"])
            undone.restored.append(record["path"])
        if record["parent_times_ns"]:
            os.utime(where.parent, ns=tuple(record["parent_times_ns"]))
        where.sync()


def same(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether nothing at all differs; a directory's own time is set by its children's undo."""
    keys = ["kind", "sha256", "mode", "uid", "gid", "target", "xattrs"]
    if before["kind"] != "dir":
        keys.append("mtime_ns")
    return all(before.get(key) == now.get(key) for key in keys)


def _restore(
    where: Place, before: Mapping[str, Any], tx: store.Transaction, temporary: str
) -> None:
    kind = before["kind"]
    now = where.stat()
    if now is not None and (kind == "absent" or placing.is_folder(now) != (kind == "dir")):
        placing.take_away(where)
        now = None
    if kind == "file":
        with open(tx.backup(before["sha256"]), "rb") as file:
            content = file.read()
        placing.put_file(where, temporary, content, None, **kept(before))
    elif kind == "symlink":
        placing.put_link(where, temporary, before["target"], None, **kept(before))
    elif kind == "dir":
        if now is None:
            placing.put_folder(where)
        opened = where.open()
        try:
            placing.finish(opened, **kept(before))
        finally:
            os.close(opened)


def kept(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return all of a recorded state that placing it again takes, but for its content."""
    told: dict[str, Any] = {
        "ids": (before["uid"], before["gid"]),
        "times_ns": (before["atime_ns"], before["mtime_ns"]),
    }
    if before["kind"] == "symlink":
        return told
    return {**told, "mode": before["mode"], "xattrs": before["xattrs"]}


def _keep_drift(
    where: Place,
    now: Mapping[str, Any],
    record: Mapping[str, Any],
    tx: store.Transaction,
    undone: Undone,
) -> None:
    """Keep what neither we nor the time before us put here: a hotfix is not lost."""
    before, after = record["before"], record["after"]
    known = [{k: s.get(k) for k in ("kind", "sha256", "target") if k in s} for s in (before, after)]
    made_folder = now["kind"] == "dir" and before["kind"] == "absent"
    if now["kind"] == "absent":
        return
    if not made_folder and any(not differences(one, now) for one in known):
        return
    folder = os.path.join(tx.folder, "drifted")
    kept_as = os.path.join(folder, f"{record['n']}-{os.path.basename(where.path)[-100:]}")
    if now["kind"] == "dir":
        _keep_inside(where, kept_as, undone)
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if now["kind"] == "file":
        with os.fdopen(where.open(), "rb") as file:
            placing.whole(kept_as, file.read())
    else:
        placing.whole(kept_as, str(now.get("target", now["kind"])).encode())
    undone.drifted.append({"path": where.path, "kept_as": kept_as})


def _keep_inside(where: Place, kept_as: str, undone: Undone) -> None:
    """Move what others put into a directory that we made, so that it can be removed."""
    opened = where.open()
    try:
        names = os.listdir(opened)
    finally:
        os.close(opened)
    if not names:
        return
    import shutil

    os.makedirs(kept_as, mode=0o700, exist_ok=True)
    inside = f"/proc/self/fd/{where.parent}/{where.name}"
    for name in names:
        target = os.path.join(kept_as, name)
        shutil.move(os.path.join(inside, name), target)
        undone.drifted.append({"path": f"{where.path}/{name}", "kept_as": target})
