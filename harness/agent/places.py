"""A name inside a parent directory that was reached without following a single symbolic link."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator

from .failing import AgentError
from .machine import Machine, plain

#: linux/fs.h: read a file's attribute flags, and the two that forbid replacing it.
FS_IOC_GETFLAGS = 0x80086601
IMMUTABLE_OR_APPEND = 0x10 | 0x20

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Place:
    """Where a path is: an open descriptor of its parent, and its own name there."""

    __slots__ = ("name", "parent", "path")

    def __init__(self, path: str, parent: int, name: str) -> None:
        self.path, self.parent, self.name = path, parent, name

    def stat(self) -> os.stat_result | None:
        """Return what is there, symbolic links not followed; None when nothing is."""
        try:
            return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, name: str = "") -> int:
        """Open the file (or another name beside it) for reading, never through a link."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(name or self.name, flags, dir_fd=self.parent)

    def sync(self) -> None:
        """Make what happened to names in the parent durable."""
        os.fsync(self.parent)


@contextlib.contextmanager
def place(machine: Machine, path: str) -> Iterator[Place]:
    """Walk to the parent of `path`; raises AgentError when a part of the way is no directory."""
    parts = plain(path).strip("/").split("/")
    walked = ""
    here = os.open(machine.root or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            walked += f"/{part}"
            here = _enter(here, part, walked)
        yield Place(path, here, parts[-1])
    finally:
        os.close(here)


def _enter(here: int, part: str, walked: str) -> int:
    try:
        inside = os.open(part, _FOLDER, dir_fd=here)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            mode = os.stat(part, dir_fd=here, follow_symlinks=False).st_mode
            what = "a symbolic link" if stat.S_ISLNK(mode) else "no directory"
            raise AgentError(
                "refused",
                f"the parent {walked} is {what}",
                action="name the real path in the role, or make it a directory",
            ) from None
        if error.errno == errno.ENOENT:
            raise AgentError("absent", f"the parent {walked} does not exist") from None
        raise
    os.close(here)
    return inside


def refuse_immutable(where: Place) -> None:
    """Raise AgentError when the file system would refuse to replace what is here."""
    _refuse_flags(where.parent, os.path.dirname(where.path) or "/")
    found = where.stat()
    if found is None or not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return
    with contextlib.suppress(PermissionError):
        opened = where.open()
        try:
            _refuse_flags(opened, where.path)
        finally:
            os.close(opened)


def _refuse_flags(opened: int, path: str) -> None:
    try:
        (flags,) = struct.unpack("l", fcntl.ioctl(opened, FS_IOC_GETFLAGS, struct.pack("l", 0)))
    except OSError:  # the file system has no such flags
        return
    if flags & IMMUTABLE_OR_APPEND:
        raise AgentError("refused", f"{path} is immutable", action=f"chattr -i -a {path}")
