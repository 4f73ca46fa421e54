"""The unit that the next boot runs if a transaction is cut by it: placed, and taken away again.

It is there only while its transaction is undecided. The folders' times are put back each time,
so that the host shows no trace of it afterwards.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from . import placing
from .machine import Machine
from .places import Place, place

FOLDER = "/etc/systemd/system"
WANTS = f"{FOLDER}/basic.target.wants"
PREFIX = "quantum-ops-recover-"
#: Before basic.target, so before every unit that a role brings; a failure holds up no boot.
TEXT = """\
[Unit]
Description=Put back what a deploy had not finished when this host went down ({tx})
DefaultDependencies=no
RequiresMountsFor={store} /etc /opt
After=local-fs.target systemd-remount-fs.service
Before=basic.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
TimeoutStartSec=300
ExecStart={words}
"""


def missing_folders(machine: Machine) -> list[str]:
    """Return the folders that `place` would make, or that another one of ours has just made."""
    try:
        names = os.listdir(machine.at(WANTS))
    except OSError:
        return [WANTS]
    return [WANTS] if names and all(name.startswith(PREFIX) for name in names) else []


def unit_name(tx: str) -> str:
    """Return the unit's name."""
    return f"{PREFIX}{tx}.service"


def place_unit(machine: Machine, tx: str, words: Sequence[str]) -> None:
    """Have the next boot run `words`, durably."""
    name = unit_name(tx)
    text = TEXT.format(tx=tx, store=machine.store, words=" ".join(words))
    with _unseen(machine, f"{FOLDER}/{name}") as where:
        temporary = f".{name}.tmp"
        placing.remove_name(where, temporary)
        placing.put_file(where, temporary, text.encode(), None, mode=0o644, ids=(-1, -1))
    if not os.path.isdir(machine.at(WANTS)):
        with _unseen(machine, WANTS) as where:
            os.mkdir(where.name, 0o755, dir_fd=where.parent)
            where.sync()
    with _unseen(machine, f"{WANTS}/{name}") as where:
        with contextlib.suppress(FileExistsError):
            os.symlink(f"../{name}", where.name, dir_fd=where.parent)
        where.sync()


def remove(machine: Machine, tx: str, made: Sequence[str]) -> None:
    """Take it away, and the folders that were `made` for it unless others use them now."""
    name = unit_name(tx)
    for path in (f"{WANTS}/{name}", f"{FOLDER}/.{name}.tmp", f"{FOLDER}/{name}"):
        if os.path.lexists(machine.at(path)):
            with _unseen(machine, path) as where:
                placing.take_away(where)
    for path in made:
        if os.path.isdir(machine.at(path)):
            with _unseen(machine, path) as where, contextlib.suppress(OSError):
                os.rmdir(where.name, dir_fd=where.parent)
                where.sync()


@contextlib.contextmanager
def _unseen(machine: Machine, path: str) -> Iterator[Place]:
    """Yield the place; its parent's times are afterwards as before."""
    with place(machine, path) as where:
        before = os.fstat(where.parent)
        try:
            yield where
        finally:
            os.utime(where.parent, ns=(before.st_atime_ns, before.st_mtime_ns))
