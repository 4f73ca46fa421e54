"""The host keys this laptop trusts: parsed once per process, never replaced silently."""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey
from paramiko.pkey import PKey
from paramiko.ssh_exception import SSHException

from harness.errors import ConfigurationError, HostKeyError


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a host is really reached, ssh_config applied, and which files vouch for its key."""

    name: str  #: the inventory's name, for messages
    inventory: str
    hostname: str
    port: int
    files: tuple[Path, ...]  #: the first is the one that `hosts.trust` writes
    alias: str = ""  #: HostKeyAlias
    hop: str = ""  #: the jump host's name, when it is one on the way to `name`

    @property
    def entry(self) -> str:
        """Return how known_hosts names it."""
        return self.alias or self.address

    @property
    def address(self) -> str:
        """Return how known_hosts names where it is reached."""
        return self.hostname if self.port == 22 else f"[{self.hostname}]:{self.port}"  # noqa: PLR2004 - ssh


def keys_for(where: Destination) -> dict[str, PKey]:
    """Return the trusted keys of a destination by type; empty: unknown."""
    found: dict[str, PKey] = {}
    for path in where.files:
        for key in _keys_in(path, where.entry):
            found.setdefault(key.get_name(), key)
    return found


def _keys_in(path: Path, name: str) -> list[PKey]:
    try:
        stat = path.stat()
        entries = _parse(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", step="known_hosts") from error
    return [entry.key for entry in entries if entry.key and matches(entry.hostnames or (), name)]


@functools.lru_cache(maxsize=16)
def _parse(path: Path, _mtime_ns: int, _size: int) -> tuple[HostKeyEntry, ...]:
    """Return the entries of a file; lines that are no plain host key vouch for nothing."""
    entries = []
    for line in path.read_text(errors="replace").splitlines():
        if line.strip() and line.lstrip()[0] not in "#@":
            with contextlib.suppress(InvalidHostKey, SSHException, ValueError):
                entries.append(HostKeyEntry.from_line(line.strip()))
    return tuple(entry for entry in entries if entry)


def matches(patterns: Iterable[str], name: str) -> bool:
    """Tell whether the first field of a known_hosts line means `name`: plain, hashed, * and !."""
    said = False
    for pattern in patterns:
        if pattern.startswith("!") and fnmatch.fnmatchcase(name, pattern[1:]):
            return False
        if pattern.startswith("|1|"):
            with contextlib.suppress(ValueError, AssertionError):
                said = said or HostKeys.hash_host(name, pattern) == pattern
        else:
            said = said or pattern == name or fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))
    return said


def _shown(where: Destination) -> str:
    return f"{where.entry}, the jump host {where.hop}," if where.hop else where.entry


def unknown(where: Destination, key: PKey) -> HostKeyError:
    """Return the error for a host that no file vouches for."""
    return HostKeyError(
        f"the host key of {_shown(where)} is unknown: {key.get_name()} {key.fingerprint}",
        host=where.name, step="host key",
        action=f"invoke hosts.trust -i {where.inventory} --limit {where.name}",
    )  # fmt: skip


def changed(where: Destination, key: PKey, expected: Iterable[PKey]) -> HostKeyError:
    """Return the error for a host that shows another key than the trusted one."""
    known = ", ".join(f"{each.get_name()} {each.fingerprint}" for each in expected)
    path = next((p for p in where.files if _keys_in(p, where.entry)), where.files[0])
    forget = f"ssh-keygen -R {shlex.quote(where.entry)} -f {shlex.quote(str(path))}"
    return HostKeyError(
        f"the host key of {_shown(where)} has CHANGED: "
        f"it shows {key.get_name()} {key.fingerprint}, trusted is {known}; "
        "someone may be in between",
        host=where.name, step="host key",
        action=f"only if the change is yours: {forget}, "
        f"then invoke hosts.trust -i {where.inventory} --limit {where.name}",
    )  # fmt: skip


def judge(where: Destination, key: PKey) -> None:
    """Return if the key is trusted; raises HostKeyError for an unknown and for a changed one."""
    trusted = keys_for(where)
    if not trusted:
        raise unknown(where, key)
    if trusted.get(key.get_name()) != key:
        raise changed(where, key, trusted.values())


def append(where: Destination, key: PKey) -> Path:
    """Add the key of an unknown host to the file in use and return that file.

    Raises HostKeyError when the host is known by another key: that is never replaced here.
    """
    trusted = keys_for(where)
    if trusted:
        judge(where, key)
        return where.files[0]
    path = where.files[0]
    line = HostKeyEntry([where.entry], key).to_line()
    assert line is not None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            text = file.read()
            broken = bool(text) and not text.endswith(b"\n")
            file.write((b"\n" if broken else b"") + line.encode())
    except OSError as error:
        raise ConfigurationError(
            f"{path}: {error.strerror}", host=where.name, step="known_hosts"
        ) from error
    return path
