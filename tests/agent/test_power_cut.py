"""What a power cut would leave: nothing changes before its undo is on the disk, as POSIX has it.

The agent's own calls are replayed on a disk that keeps a file's bytes only once they were synced,
and a name only once its directory was. Real file systems promise more; no undo hangs on that.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.agent import tracing
from tests.agent.test_crash_walk import apply_and_commit
from tests.agent.test_steps import everything
from tests.agent.worlds import STORE

PLACE = r"(?:AT_FDCWD<[^>]*>, |(?:\d+)<(?P<{0}in>[^>]*)>, )?\"(?P<{0}name>[^\"]*)\""
ONE = re.compile(PLACE.format(""))
TWO = re.compile(f"{PLACE.format('')}, {PLACE.format('to')}")
LINK = re.compile(rf"\"[^\"]*\", {PLACE.format('')}")
OPEN = re.compile(r"^\d+<(?P<path>[^>]*)>")
MADE = re.compile(r"= \d+<(?P<path>[^>]*)>$")
#: These change the bytes of an open file, or what else its inode has.
CHANGES = {
    "write",
    "pwrite64",
    "fallocate",
    "ftruncate",
    "fchmod",
    "fchown",
    "fsetxattr",
    "utimensat",
}
#: Nothing hangs on these: who holds the lock, space kept, programs' own files, unit checks.
PASSING = re.compile(r"/lock$|/ballast$|/verify(/|$)|\.new$|^/memfd:|^/tmp/[^/]+$|^/tmp$|^pipe:")


@dataclass
class Disk:
    """What of a host's files and names would not survive, call by call."""

    root: str
    files: set[str] = field(default_factory=set)  #: with bytes that are not synced
    folders: set[str] = field(default_factory=set)  #: with names that are not synced
    made: set[str] = field(default_factory=set)  #: opened for the first time here
    wrong: list[str] = field(default_factory=list)

    def replay(self, calls: Iterable[tracing.Call]) -> list[str]:
        """Return what would be torn or could not be undone, in words."""
        for call in calls:
            if not re.search(r"= -\d", call.words):
                self._one(call.name, call.words, str(call))
        return self.wrong

    def _one(self, name: str, words: str, told: str) -> None:
        if name in {"fsync", "fdatasync"}:
            path = OPEN.match(words)["path"]
            self.files.discard(path)
            self.folders.discard(path)
        elif name == "utimensat" and ", NULL, " not in words:
            pass  # a link's times: nothing opens a link, so nothing syncs it
        elif name in CHANGES:
            path = OPEN.match(words)["path"]
            if Path(path).is_dir() and not self._in_store(path) and not temporary(path):
                self._managed(told)
            self._touch(path)
        elif name == "openat" and "O_CREAT" in words:
            path = MADE.search(words)["path"]
            if path not in self.made:
                self.made.add(path)
                self._touch(path)
                self._name(path, told)
        elif name in {"mkdir", "mkdirat", "unlink", "unlinkat", "rmdir"}:
            self._name(full(ONE.match(words)), told, gone=name.startswith(("un", "rm")))
        elif name in {"symlink", "symlinkat"}:
            self._name(full(LINK.match(words)), told)
        elif name in {"rename", "renameat"}:
            self._rename(TWO.match(words), told)

    def _rename(self, match: re.Match, told: str) -> None:
        source, target = full(match), full(match, "to")
        if source in self.files:
            self.wrong.append(f"a file takes its place before its bytes are kept: {told}")
        if target.endswith(("state-applied", "state-committed", "state-rolled_back")):
            self._all_kept(told)
        self.files = {path.replace(source, target) for path in self.files}
        self.folders = {path.replace(source, target) for path in self.folders}
        self._name(target, told)

    def _touch(self, path: str) -> None:
        if path.startswith(self.root) and not PASSING.search(path):
            self.files.add(path)

    def _name(self, path: str, told: str, *, gone: bool = False) -> None:
        if not path.startswith(self.root) or PASSING.search(path):
            return
        if not self._in_store(path) and not temporary(path):
            self._managed(told)
        if gone:
            self.files.discard(path)
            self.folders.discard(path)
        if not (gone and temporary(path)):
            self.folders.add(path.rpartition("/")[0])

    def _managed(self, told: str) -> None:
        """Something of the host's own changes: by now its undo must be on the disk."""
        unkept = [path for path in self.files | self.folders if self._in_store(path)]
        if unkept:
            self.wrong.append(f"{unkept} would be lost, and yet: {told}")

    def _all_kept(self, told: str) -> None:
        if self.files | self.folders:
            self.wrong.append(f"{self.files | self.folders} would be lost, and yet: {told}")

    def _in_store(self, path: str) -> bool:
        return path.startswith(f"{self.root}/{STORE}") or path == f"{self.root}/var/lib"


def full(match: re.Match, which: str = "") -> str:
    name = match[f"{which}name"]
    return name if name.startswith("/") else f"{match[f'{which}in']}/{name}"


def temporary(path: str) -> bool:
    """Tell a name that an undo takes away, or one below such."""
    return any(part.startswith(".") and part.endswith(".tmp") for part in path.split("/"))


@pytest.fixture
def traced(new_world, tmp_path):
    """A deploy and its rollback, call by call, on a host that had never seen either."""
    log, world = tmp_path / "log", new_world()
    steps = everything(world)
    session = world.session(through=tracing.watching(log))
    apply_and_commit(world, session, steps)
    session.rollback()
    session.close()
    yield str(world.root), tracing.from_the_first_change(tracing.changing(log))
    world.close()


def test_no_power_cut_finds_a_change_without_its_undo_on_the_disk(traced):
    root, calls = traced
    assert Disk(root).replay(calls) == []


#: A sync that is left out -> what is then told.
FORGOTTEN = {
    r"fsync\(.*journal.jsonl": "journal.jsonl.* would be lost, and yet: (fchmod|fchown)",
    r"fsync\(.*/tx>": "/tx'.* would be lost, and yet",
    r"fsync\(.*/backups": "backups.* would be lost, and yet",
    r"fsync\(.*\.quantum-": "takes its place before its bytes are kept",
    r"fsync\(.*/etc>": "/etc'.* would be lost, and yet: rename .*state-applied",
}


def test_a_sync_that_is_forgotten_is_found(traced):
    root, calls = traced
    for forgotten, told in FORGOTTEN.items():
        left = [call for call in calls if not re.search(forgotten, f"{call.name}({call.words}")]
        assert len(left) < len(calls)
        assert re.search(told, "\n".join(Disk(root).replay(left)))
