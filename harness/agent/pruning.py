"""Forget old transactions and releases, and never what a promised rollback needs.

The policy: the newest `keep` committed transactions, and all that are younger than `keep_s`, can be
undone. What goes is always the oldest end of their line by sequence, never by name or clock alone.
The newest one that went stays as the *base*, its manifest without its backups: undoing all that is
kept returns to it. Each goes by one rename first and is emptied afterwards, oldest first, so that a
crash in between leaves a policy that kept a little more.

A release goes when nothing names it: no kept transaction (journals, backups, snapshots), no file
that a deploy manages or systemd reads, no process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import placing, releases
from .boundaries import cross
from .machine import RELEASES, Machine
from .manifest import current
from .places import place
from .store import PINNED, PRUNED, Store, Transaction

#: The states that this understands; where there is any other, or work unfinished, nothing goes.
SETTLED = frozenset({"committed", "rolled_back", PINNED, PRUNED})
#: What stays of a base.
_BASE = frozenset({"meta.json", "manifest.json", f"state-{PRUNED}"})
#: The agent's own copy of itself names no release.
_UNREAD = frozenset({"agent.pyz", "ballast"})
_UNIT_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
_ASIDE = ".pruned.tmp"


def choose(
    told: Sequence[Mapping[str, Any]], *, keep: int, keep_s: float, now_s: float
) -> list[str]:
    """Return the ids that the policy lets go, oldest first; pure, for the host and for the plan.

    `told` are summaries (Transaction.summary). A moment that lies ahead is no age.
    """
    if any(each["state"] not in SETTLED for each in told):
        return []
    found = []
    for state in ("committed", "rolled_back"):
        line = sorted((e for e in told if e["state"] == state), key=lambda each: each["sequence"])
        for each in line[: max(0, len(line) - max(1, keep))]:
            if now_s - float(each["at_s"] or now_s) < keep_s:
                break
            found.append(each["id"])
    return found


def prune(
    machine: Machine, transactions: Store, *, keep: int, keep_s: float, now_s: float
) -> dict[str, list[str]]:
    """Let go what the policy does not keep and return it; the caller holds the lock."""
    everything = {one.id: one for one in transactions.all()}
    told = [one.summary() for one in everything.values()]
    if any(each["state"] not in SETTLED for each in told):
        return {"transactions": [], "releases": []}
    gone = []
    for name in choose(told, keep=keep, keep_s=keep_s, now_s=now_s):
        one = everything[name]
        if one.state == "committed":
            transactions.turn(one, PRUNED)
            _settle_base(transactions)
        elif _holds_hotfixes(one):
            continue
        else:
            _discard(transactions, one)
        gone.append(name)
    _settle_base(transactions)
    return {"transactions": gone, "releases": list(_prune_releases(machine, transactions))}


def _settle_base(transactions: Store) -> None:
    """Leave the newest base alone, without what only its undo would need."""
    bases = [one for one in transactions.all() if one.state == PRUNED]
    if not bases:
        return
    *older, base = bases
    for one in older:
        _discard(transactions, one)
    for name in sorted(set(os.listdir(base.folder)) - _BASE):
        cross()
        path = os.path.join(base.folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    placing.sync_folder(base.folder)


def _discard(transactions: Store, one: Transaction) -> None:
    cross()
    transactions.discard(one.id)
    cross()


def _holds_hotfixes(one: Transaction) -> bool:
    """Tell whether its rollback kept what somebody had changed by hand: nothing else has that."""
    return bool(_names(os.path.join(one.folder, "drifted")))


def _prune_releases(machine: Machine, transactions: Store) -> Iterator[str]:
    folder = machine.at(RELEASES)
    names = set(_names(folder))
    for name in sorted(names):
        if name.startswith(".") and name.endswith(
            _ASIDE
        ):  # what a crash has left of an earlier one
            shutil.rmtree(os.path.join(folder, name))
    found = [n for n in sorted(names) if releases.is_digest(n) and releases.complete(machine, n)]
    needed = named(machine, transactions, found) if found else set()
    for name in found:
        if name not in needed:
            _remove_release(machine, name)
            yield name


def _remove_release(machine: Machine, name: str) -> None:
    """Hide it by one rename, then take it apart; the folder's own times stay what they were."""
    with place(machine, f"{RELEASES}/{name}") as where:
        parent = os.fstat(where.parent)
        aside = f".{name[:16]}{_ASIDE}"
        cross()
        os.rename(name, aside, src_dir_fd=where.parent, dst_dir_fd=where.parent)
        where.sync()
        cross()
        shutil.rmtree(os.path.join(machine.at(RELEASES), aside))
        os.utime(where.parent, ns=(parent.st_atime_ns, parent.st_mtime_ns))


def named(machine: Machine, transactions: Store, digests: Sequence[str]) -> set[str]:
    """Return the digests that anything still names."""
    found: set[str] = set()
    for raw in _texts(machine, transactions):
        found.update(digest for digest in digests if digest.encode() in raw)
        if len(found) == len(digests):
            break
    return found


def _texts(machine: Machine, transactions: Store) -> Iterator[bytes]:
    snapshots = [one.folder for one in transactions.all() if one.state == PINNED]
    for one in transactions.all():
        if one.folder not in snapshots:
            yield from _below(one.folder)
    for path in current(transactions):
        yield _read(machine.at(path))
    for folder in _UNIT_FOLDERS:
        yield from _below(machine.at(folder))
    for name in _names("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{name}/cwd").encode()
            yield _read(f"/proc/{name}/cmdline")
            yield _read(f"/proc/{name}/environ")
    for folder in snapshots:  # they may be large, and are read only while something is unnamed
        yield from _below(folder)


def _below(folder: str) -> Iterator[bytes]:
    for here, _, names in os.walk(folder):
        for name in names:
            if name not in _UNREAD:
                yield _read(os.path.join(here, name))


def _read(path: str) -> bytes:
    """Return a file's bytes, or what a link points to; what is gone or no file names nothing."""
    try:
        if os.path.islink(path):
            return os.fsencode(os.readlink(path))
        if not os.path.isfile(path):
            return b""
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
