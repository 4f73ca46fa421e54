"""The releases of a run, as edits of the project: two good ones in turn, a rival, broken ones.

Each good one differs from the project in its sources, its env files and its unit files, so that
nothing of one can be taken for another's: no file, no release folder, no running process.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: What the project itself is; the release in turn with it; what a second deployer deploys.
OLD, NEW, RIVAL = "old", "new", "rival"
NEVER_READY, READY_THEN_CRASH, UNIT_REFUSED = "never_ready", "ready_then_crash", "unit_refused"
#: Begins the name of a release that no host has yet, so that all of it is sent.
FRESH = "fresh"

SOURCE, NOTIFYING = "consumers/__init__.py", "consumers/loop/notifying.py"
ENV = "templates/env/stream-consumer.env.j2"
UNIT = "templates/units/stream-consumer.service.j2"

#: Folders whose files find the project by their own place, and the files beside them.
COPIED = (
    "commands", "consumers", "fault_injection", "harness", "inventory", "lab", "proofs", "roles",
    "streams", "templates", "tasks.py", "invoke.yaml",
)  # fmt: skip
#: What has no business in another place.
LEFT = frozenset({".git", ".venv"})

NOT_READY = """

def _never(_: Notifier) -> None:
    return


Notifier.ready = _never
"""
#: Late enough for the READY to be heard, early enough for the gate.
CRASHING = """

def _ready_for_once(self: Notifier) -> None:
    import threading

    self._send("READY=1")
    crash = threading.Timer(0.3, os._exit, (1,))
    crash.daemon = True
    crash.start()


Notifier.ready = _ready_for_once
"""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is added at a file's end, or put in the place of its lines that begin so."""

    path: str
    text: str
    instead_of: str = ""

    def made(self, text: str) -> str:
        """Return the file's text with the edit; raises ValueError where it does not fit."""
        if not self.instead_of:
            return text + self.text
        lines = text.splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(self.instead_of)]
        if kept == lines:
            raise ValueError(f"{self.path} has no line that begins with {self.instead_of}")
        return "".join(kept) + self.text


BROKEN: Mapping[str, Edit] = {
    NEVER_READY: Edit(NOTIFYING, NOT_READY),
    READY_THEN_CRASH: Edit(NOTIFYING, CRASHING),
    UNIT_REFUSED: Edit(UNIT, "", instead_of="ExecStart="),
}


def edits(name: str) -> tuple[Edit, ...]:
    """Return what makes a release of the project."""
    if name == OLD:
        return ()
    told = tuple(Edit(path, f"# Release {name} of a fault day.\n") for path in (SOURCE, ENV, UNIT))
    return (*told, BROKEN[name]) if name in BROKEN else told


def lay_out(project: Path, folder: Path, name: str) -> None:
    """Make a project that deploys this release: the same inventories, records, caches and secrets.

    What is not copied is linked to, so that relative paths of an inventory mean the same. The
    folder has its name once it is whole.
    """
    beside = folder.with_name(f".{folder.name}")
    if beside.exists():
        shutil.rmtree(beside)
    beside.mkdir(mode=0o700)
    _fill(project, beside)
    for edit in edits(name):
        file = beside / edit.path
        file.write_text(edit.made(file.read_text(encoding="utf-8")), encoding="utf-8")
    beside.rename(folder)


def _fill(project: Path, folder: Path) -> None:
    for path in project.iterdir():
        if path.name in LEFT:
            continue
        beside = folder / path.name
        if path.name not in COPIED:
            beside.symlink_to(path.resolve())
        elif path.is_dir():
            shutil.copytree(path, beside)
        else:
            shutil.copy2(path, beside)
