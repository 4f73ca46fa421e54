"""What is at a path: the state that the laptop plans by, and the fuller one that undo needs."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping

from . import attributes
from .machine import Machine
from .places import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Larger or binary files are compared by digest and not shown, in bytes.
LARGEST_TEXT = 256 * 1024
#: What two states of a path are compared by; the rest follows or is restored, not planned.
COMPARED = ("kind", "sha256", "mode", "owner", "group", "target")


def kind_of(mode: int) -> str:
    """Return file, dir, symlink or other."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def observe(machine: Machine, path: str, wanted: str | None, *, secret: bool) -> dict[str, Any]:
    """Return the state of a path; the text of a file that differs from `wanted` if showable."""
    real = machine.at(path)
    try:
        found = os.lstat(real)
    except (FileNotFoundError, NotADirectoryError):
        return {"kind": "absent"}
    state = _common(machine, found)
    if state["kind"] == "symlink":
        state["target"] = os.readlink(real)
    elif state["kind"] == "file":
        try:
            opened = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return {"kind": "absent"}
        with os.fdopen(opened, "rb") as file:
            state["sha256"] = digest(file.fileno())
            if state["sha256"] != wanted and not secret and found.st_size <= LARGEST_TEXT:
                file.seek(0)
                text = _text(file.read(LARGEST_TEXT + 1))
                if text is not None:
                    state["text"] = text
    extra = attributes.read(real)
    if extra:
        state["xattrs_sha256"] = attributes.digest(extra)
    return state


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _common(machine: Machine, found: os.stat_result) -> dict[str, Any]:
    kind = kind_of(found.st_mode)
    state: dict[str, Any] = {
        "kind": kind,
        "owner": machine.owner(found.st_uid),
        "group": machine.group(found.st_gid),
        "mtime_ns": found.st_mtime_ns,
        "nlink": found.st_nlink,
    }
    if kind != "symlink":
        state["mode"] = stat.S_IMODE(found.st_mode)
    if kind == "file":
        state["size"] = found.st_size
    return state


def digest(opened: int) -> str:
    """Return the SHA-256 of an open file from its start."""
    os.lseek(opened, 0, os.SEEK_SET)
    sha = hashlib.sha256()
    while True:
        chunk = os.read(opened, 1 << 20)
        if not chunk:
            return sha.hexdigest()
        sha.update(chunk)


def snapshot(machine: Machine, where: Place) -> dict[str, Any]:
    """Return everything that undo needs to put this path back, but for the content itself."""
    found = where.stat()
    if found is None:
        return {"kind": "absent"}
    state = _common(machine, found)
    state |= {"uid": found.st_uid, "gid": found.st_gid, "atime_ns": found.st_atime_ns}
    state["identity"] = identity(found)
    if state["kind"] == "symlink":
        state["target"] = os.readlink(where.name, dir_fd=where.parent)
    elif state["kind"] in {"file", "dir"}:
        opened = where.open()
        try:
            if state["kind"] == "file":
                state["sha256"] = digest(opened)
            state["xattrs"] = attributes.read(opened)
        finally:
            os.close(opened)
    return state


def identity(found: os.stat_result | None) -> list[int]:
    """Return what changes whenever anybody touches a path; empty for absence."""
    if found is None:
        return []
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def differences(expected: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs, of all that `expected` says something about."""
    return [key for key in COMPARED if key in expected and expected[key] != state.get(key)]
