"""Put a file, link or directory in place so that at every instant it is either old or new."""

from __future__ import annotations

import contextlib
import os
import stat

from . import attributes
from .boundaries import cross
from .failing import AgentError
from .places import Place
from .states import identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_name(where: Place, name: str) -> None:
    """Remove a temporary file or link of ours, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=where.parent)


def write_file(where: Place, name: str, content: bytes) -> int:
    """Write a new file, readable by nobody else from its first byte on; returns it open."""
    opened = os.open(name, _NEW, 0o600, dir_fd=where.parent)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(opened, left) :]
    except BaseException:
        os.close(opened)
        raise
    return opened


def finish(
    opened: int,
    *,
    mode: int,
    ids: tuple[int, int],
    times_ns: tuple[int, int] | None = None,
    xattrs: dict[str, str] | None = None,
) -> None:
    """Give an open file or directory its owner, then mode, attributes and times, durably."""
    if ids != (-1, -1):
        os.fchown(opened, *ids)
    os.fchmod(opened, mode)
    if xattrs is not None:
        attributes.write(opened, xattrs)
    if times_ns is not None:
        os.utime(opened, ns=times_ns)
    os.fsync(opened)


def swap_in(where: Place, name: str, expected: list[int] | None) -> None:
    """Rename the finished `name` over the path, unless somebody touched that meanwhile."""
    _recheck(where, expected)
    cross()
    os.rename(name, where.name, src_dir_fd=where.parent, dst_dir_fd=where.parent)
    cross()
    where.sync()
    cross()


def take_away(where: Place, expected: list[int] | None = None) -> None:
    """Remove a file, a link or an empty directory, unless somebody touched it meanwhile."""
    _recheck(where, expected)
    found = where.stat()
    if found is not None and stat.S_ISDIR(found.st_mode):
        os.rmdir(where.name, dir_fd=where.parent)
    elif found is not None:
        os.unlink(where.name, dir_fd=where.parent)
    where.sync()


def _recheck(where: Place, expected: list[int] | None) -> None:
    if expected is not None and identity(where.stat()) != expected:
        raise AgentError("drifted", f"{where.path} changed while it was being replaced")


def put_file(
    where: Place,
    temporary: str,
    content: bytes,
    expected: list[int] | None,
    **attributes_wanted: Any,
) -> None:
    """Place a whole file; the keyword arguments are those of `finish`."""
    opened = write_file(where, temporary, content)
    try:
        cross()
        finish(opened, **attributes_wanted)
    finally:
        os.close(opened)
    swap_in(where, temporary, expected)


def put_link(
    where: Place,
    temporary: str,
    target: str,
    expected: list[int] | None,
    *,
    ids: tuple[int, int] | None = None,
    times_ns: tuple[int, int] | None = None,
) -> None:
    """Place a symbolic link, with an owner and times of its own where they are given."""
    os.symlink(target, temporary, dir_fd=where.parent)
    if ids is not None:
        os.chown(temporary, *ids, dir_fd=where.parent, follow_symlinks=False)
    if times_ns is not None:
        os.utime(temporary, ns=times_ns, dir_fd=where.parent, follow_symlinks=False)
    cross()
    swap_in(where, temporary, expected)


def is_folder(found: os.stat_result) -> bool:
    """Tell whether a path that was looked at is a directory."""
    return stat.S_ISDIR(found.st_mode)


def put_folder(where: Place) -> None:
    """Make a directory that only root can enter until `finish` says otherwise."""
    os.mkdir(where.name, 0o700, dir_fd=where.parent)
    cross()


def whole(path: str, content: bytes) -> None:
    """Write a file of our own store atomically and durably."""
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    opened = os.open(temporary, _NEW, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    cross()
    os.rename(temporary, path)
    sync_folder(os.path.dirname(path))


def sync_folder(path: str) -> None:
    """Make the names in a directory durable."""
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
