"""The steps that change a path: refuse, record how to undo, then do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Mapping

from . import placing, store
from .boundaries import cross
from .failing import AgentError
from .machine import Machine
from .places import Place, place, refuse_immutable
from .states import differences, snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KINDS = frozenset({"dir", "file", "symlink", "absent"})


def refuse(
    machine: Machine, step: Mapping[str, Any], made: set[str], *, users_may_come: bool = False
) -> dict[str, Any]:
    """Raise AgentError when the step must not run; returns what is at the path.

    `made` holds what earlier steps will have made or taken away; it grows by this one.
    `users_may_come` with a package that an earlier step installs.
    """
    path = step["path"]
    try:
        with place(machine, path) as where:
            state = snapshot(machine, where)
            refuse_kind(step["do"], where, state, made)
            refuse_immutable(where)
    except AgentError as error:
        gone = step["do"] == "absent" or os.path.dirname(path) in made
        if error.kind != "absent" or not gone:
            raise
        state = {"kind": "absent"}
    _refuse_drift(path, step.get("before", {}), state)
    if step["do"] in {"file", "dir"} and not users_may_come:
        machine.ids(step["owner"], step["group"])
    if step["do"] == "absent" or (step["do"] == "dir" and state["kind"] == "absent"):
        made.add(path)
    return state


def refuse_kind(do: str, where: Place, state: Mapping[str, Any], gone: Container[str] = ()) -> None:
    """Raise AgentError where a step of this kind must not replace what is at the path.

    `gone` are paths that will not be there any more when it runs.
    """
    kind = state["kind"]
    if kind == "other":
        raise AgentError("refused", f"{where.path} is neither file, directory nor link")
    if kind == "dir" and do in {"file", "symlink"}:
        raise AgentError("refused", f"{where.path} is a directory", action="remove it by hand")
    if do == "dir" and kind in {"file", "symlink"}:
        raise AgentError(
            "refused", f"{where.path} is no directory but a {kind}", action="remove it by hand"
        )
    if kind == "file" and state["nlink"] > 1:
        raise AgentError(
            "refused",
            f"{where.path} has {state['nlink']} hard links; replacing it would part them",
            action=f"find / -xdev -samefile {where.path}",
        )
    if do == "absent" and kind == "dir":
        left = [each for each in _inside(where) if f"{where.path}/{each}" not in gone]
        if left:
            raise AgentError(
                "refused",
                f"the directory {where.path} is not empty: {', '.join(sorted(left)[:3])}",
                action=f"see what that is, and move it out of {where.path}",
            )  # fmt: skip


def _refuse_drift(path: str, before: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    differing = differences(before, state)
    if differing:
        told = ", ".join(f"{key} is {_shown(key, state.get(key))}" for key in differing)
        raise AgentError(
            "drifted", f"{path} is not what the plan was made for: {told}", action="plan again"
        )


def _shown(key: str, value: object) -> str:
    return f"{value:04o}" if key == "mode" and isinstance(value, int) else str(value)[:60]


def _inside(where: Place) -> list[str]:
    opened = where.open()
    try:
        return os.listdir(opened)
    finally:
        os.close(opened)


def record(
    machine: Machine, step: Mapping[str, Any], number: int, tx: store.Transaction
) -> dict[str, Any]:
    """Return the journal record that undoes the step; its backup is durable.

    A step with `managed` False leaves the manifest alone.
    """
    times: list[int] = []
    try:
        with place(machine, step["path"]) as where:
            state = snapshot(machine, where)
            refuse_kind(step["do"], where, state)
            refuse_immutable(where)
            _refuse_drift(step["path"], step.get("before", {}), state)
            if state["kind"] == "file" and step["do"] in {"file", "symlink", "absent"}:
                back_up(where, state["sha256"], tx)
            parent = os.fstat(where.parent)
            times = [parent.st_atime_ns, parent.st_mtime_ns]
    except AgentError as error:
        if error.kind != "absent" or step["do"] != "absent":
            raise
        state = {"kind": "absent"}  # its parent is gone, too: all that is left is to forget it
    return {
        "n": number,
        "do": step["do"],
        "path": step["path"],
        "temporary": _temporary(tx.id, number),
        "before": state,
        "after": after(step),
        "parent_times_ns": times,
        **{key: step[key] for key in ("managed",) if key in step},
    }


def after(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that a path step leaves, as far as states are compared."""
    if step["do"] == "absent":
        return {"kind": "absent"}
    keys = ("sha256", "mode", "owner", "group", "target")
    return {"kind": step["do"], **{key: step[key] for key in keys if key in step}}


def do(machine: Machine, step: Mapping[str, Any], done: Mapping[str, Any], blob: bytes) -> None:
    """Run the step that `done` records.

    A step that puts a snapshot back says `exactly` what else the path had, and its parent's times.
    """
    before, temporary = done["before"], done["temporary"]
    expected = before.get("identity", [])
    if step["do"] == "absent" and not done["parent_times_ns"]:
        return
    with place(machine, step["path"]) as where:
        placing.remove_name(where, temporary)
        if step["do"] == "file":
            placing.put_file(where, temporary, blob, expected, **_wanted(machine, step))
        elif step["do"] == "symlink":
            placing.put_link(where, temporary, step["target"], expected, **step.get("exactly", {}))
        elif step["do"] == "dir":
            if before["kind"] == "absent":
                placing.put_folder(where)
            opened = where.open()
            try:
                placing.finish(opened, **_wanted(machine, step))
            finally:
                os.close(opened)
            where.sync()
        else:
            placing.take_away(where, expected)
        if "parent_times_ns" in step:
            os.utime(where.parent, ns=step["parent_times_ns"])
            where.sync()
        cross()


def content(step: Mapping[str, Any], blobs: Mapping[str, bytes]) -> bytes:
    """Return the content that a file step names, checked; raises AgentError."""
    blob = blobs.get(step["blob"])
    if blob is None:
        raise AgentError("request", f"the content of {step['path']} was not sent")
    if hashlib.sha256(blob).hexdigest() != step["sha256"]:
        raise AgentError("request", f"the content of {step['path']} is not what was announced")
    return blob


def _wanted(machine: Machine, step: Mapping[str, Any]) -> dict[str, Any]:
    if "exactly" in step:
        return dict(step["exactly"])
    return {"mode": step["mode"], "ids": machine.ids(step["owner"], step["group"])}


def _temporary(tx: str, number: int) -> str:
    """Return a short name: the path's own may already be as long as names can be."""
    return f".quantum-{hashlib.sha256(tx.encode()).hexdigest()[:8]}-{number}.tmp"


def back_up(where: Place, digest: str, tx: store.Transaction) -> None:
    """Keep the content of an open place durably; raises AgentError when it is not `digest`."""
    opened = where.open()
    with os.fdopen(opened, "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != digest:
        raise AgentError("drifted", f"{where.path} is being written by somebody else")
    store.keep(tx, digest, content)
