"""Ten fresh hosts of the lab, an inventory of them, and what each of them should be."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.failing import CannotMeasureError
from bench.fleet import state
from harness.links import private_keys
from lab import describing, image, places
from lab import hosts as lab
from lab.places import LabHost

#: How long another user of the lab is waited for, in seconds.
ALONE_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts, our inventory of them, and the state that the other tools read."""

    hosts: tuple[LabHost, ...]
    inventory: Path
    state: Path
    blobs: Path
    steps: str  #: how much the state is, in words


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Have the machine's one lab to ourselves; a lab that is up is somebody's, and stays."""
    with Path(f"{places.RUN}.tests.lock").open("w") as lock:
        until = time.monotonic() + ALONE_WITHIN_S
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() > until:
                raise CannotMeasureError(f"others had the lab for {ALONE_WITHIN_S:.0f} s")
            time.sleep(0.5)
        if lab.known():
            raise CannotMeasureError("the lab is up and somebody's: invoke lab.down, then again")
        try:
            yield
        finally:
            lab.down()


def fresh(many: int, folder: Path) -> Fleet:
    """Return hosts on which nothing is deployed; those that were there are gone."""
    lab.down()
    hosts = lab.up(many)
    private_keys.load.cache_clear()  # these have another key, and a process reads one once
    inventory = folder / "inventory.yml"
    text = describing.inventory(hosts)
    inventory.write_text(text.replace("  vars:\n", f"  vars:\n    records: {folder}/records\n", 1))
    told, count = _states(inventory, hosts, folder)
    state_file = folder / "state.json"
    state_file.write_text(state.as_json(told))
    return Fleet(hosts, inventory, state_file, folder / "blobs", count)


def _states(
    inventory: Path, hosts: tuple[LabHost, ...], folder: Path
) -> tuple[Mapping[str, Any], str]:
    import roles
    from commands.wanting import wanted
    from harness.contact import reach_all
    from harness.inventory import load
    from harness.inventory.secret_references import resolve

    found = load(str(inventory), roles.variables(), frozenset(roles.REGISTRY))
    blobs = folder / "blobs"
    blobs.mkdir(exist_ok=True)
    had = image.ensure(image.SUITES[0], lambda _: None).root
    told: dict[str, Any] = {}
    with reach_all([resolve(each) for each in found.select(None)], lambda *_: None) as contacts:
        for contact in contacts:
            wants = wanted(contact.host, contact.facts)
            for digest, content in state.contents(wants.desired).items():
                (blobs / digest).write_bytes(content)
            archive = None
            if wants.release:
                archive = blobs / f"{wants.release.digest}.tar.gz"
                archive.write_bytes(wants.release.archive)
            told[contact.host.name] = {
                "address": contact.host.address,
                "state": state.told(
                    wants.desired, blobs, archive, lambda path: (had / path[1:]).is_dir()
                ),
            }
    lists = ("directories", "files", "links", "units")
    totals = (sum(len(one["state"][name]) for one in told.values()) for name in lists)
    words = ", ".join(f"{total} {name}" for total, name in zip(totals, lists, strict=True))
    return told, f"{len(hosts)} hosts with {words} in all, and a release of its own each"
