"""What puts a snapshot back: the steps of one transaction, for what differs and nothing else.

The laptop is shown the plan first; it says by a digest which host that plan was made for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from . import manifest, naming, snapshots, store
from .failing import AgentError
from .machine import Machine
from .paths import refuse_kind
from .places import place
from .settling import UNIT_FOLDERS
from .states import COMPARED, LARGEST_TEXT
from .undoing import kept, same

#: Contents below it are shown to nobody, whatever their modes say.
CREDENTIALS = "/etc/quantum/credentials/"
_TOLD = ("kind", "mode", "owner", "group", "target", "size")
_DIFFERING = ("kind", "sha256", "mode", "owner", "group", "target", "mtime_ns", "xattrs")

Step = dict[str, Any]


def plan(machine: Machine, transactions: store.Store, name: str) -> dict[str, Any]:
    """Return what would change, as a person is to see it; writes nothing."""
    one = snapshots.pinned(transactions, name)
    entries = snapshots.entries(one)
    found = list(_differing(machine, entries))
    return {
        "changes": [_shown(machine, one, *each) for each in found],
        "left": list(_strangers(machine, entries)),
        "same": len(entries) - len(found),
        "seen": _seen(found),
    }


def steps(
    machine: Machine, transactions: store.Store, name: str, seen: str
) -> tuple[list[Step], dict[str, bytes]]:
    """Return the steps and their contents; raises AgentError if the host is not as `seen`."""
    one = snapshots.pinned(transactions, name)
    entries = snapshots.entries(one)
    found = list(_differing(machine, entries))
    if _seen(found) != seen:
        raise AgentError(
            "drifted", "what is on the host is not what the plan was made for", step="plan",
            action=f"invoke backup.restore --id {name}",
        )  # fmt: skip
    managed = manifest.current(transactions)
    made = [_step(path, was, now, entries, managed) for path, was, now in found]
    blobs = {s["blob"]: snapshots.read(one, s["blob"], s["path"]) for s in made if "blob" in s}
    if any(step["path"].startswith(UNIT_FOLDERS) for step in made):
        made.append({"do": "settle", "reload": True, "units": []})
    return made, blobs


def _differing(
    machine: Machine, entries: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Yield path, what was kept and what is now, wherever they differ; refuses what is unclear."""
    for path, was in entries.items():
        now = snapshots.look(machine, path)
        if same(was, now):
            continue
        if was["kind"] != "absent":
            _refuse_other_people(machine, path, was)
        if now["kind"] != "absent":
            with place(machine, path) as where:
                refuse_kind(was["kind"], where, now)
        yield path, was, now


def _refuse_other_people(machine: Machine, path: str, was: Mapping[str, Any]) -> None:
    """Raise AgentError where the owner's number has come to be somebody else's."""
    people = machine.owner(was["uid"]), machine.group(was["gid"])
    if people != (was["owner"], was["group"]):
        raise AgentError(
            "refused",
            f"{path} was {was['owner']}:{was['group']}, whose numbers are {':'.join(people)} now",
            action="give the numbers back to their owner, or place that file by hand",
        )


def _step(
    path: str,
    was: Mapping[str, Any],
    now: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]],
    managed: Mapping[str, Any],
) -> Step:
    """Return the step that makes a path what it was, its parent's times too if they were kept."""
    step: Step = {
        "do": was["kind"],
        "path": path,
        "before": {key: now[key] for key in COMPARED if key in now},
        # what no deploy manages does not come to be managed by having been backed up
        "managed": was["managed"] or path in managed,
    }
    if was["kind"] != "absent":
        step |= {key: was[key] for key in COMPARED if key in was and key != "kind"}
        step["exactly"] = kept(was)
    if was["kind"] == "file":
        step["blob"] = was["sha256"]
    parent = entries.get(os.path.dirname(path), {})
    if parent.get("kind") == "dir":
        step["parent_times_ns"] = (parent["atime_ns"], parent["mtime_ns"])
    return step


def _seen(found: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]) -> str:
    """Return one digest of what is on the host wherever that differs; reading changes it not."""
    told = [[p, {k: v for k, v in now.items() if k != "atime_ns"}] for p, _, now in found]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _shown(
    machine: Machine, one: store.Transaction, path: str, was: Mapping[str, Any],
    now: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return one change without digests; with texts only where everybody on the host may read."""
    told: dict[str, Any] = {
        "path": path,
        "differs": [key for key in _DIFFERING if was.get(key) != now.get(key)],
        "was": {key: was[key] for key in _TOLD if key in was},
        "now": {key: now[key] for key in _TOLD if key in now},
    }
    if was["kind"] == "file" and _for_everybody(machine, path, was, now):
        with place(machine, path) as where:
            raw = b""
            if now["kind"] == "file":
                with os.fdopen(where.open(), "rb") as file:
                    raw = file.read(LARGEST_TEXT + 1)
        texts = [_text(raw), _text(snapshots.read(one, was["sha256"], path))]
        if None not in texts:
            told["now"]["text"], told["was"]["text"] = texts
    return told


def _for_everybody(machine: Machine, path: str, *states: Mapping[str, Any]) -> bool:
    """Tell whether anybody on the host may read the path, before and after: then it is no secret.

    Which files hold secrets is not known here, so what anything speaks against is not shown.
    """
    if path.startswith(CREDENTIALS):
        return False
    if any(s["kind"] == "file" and not s["mode"] & 0o004 for s in states):
        return False
    parent = os.path.dirname(path)
    while parent != "/":
        try:
            if not os.lstat(machine.at(parent)).st_mode & 0o001:
                return False
        except OSError:
            return False
        parent = os.path.dirname(parent)
    return True


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode() if len(raw) <= LARGEST_TEXT else None
    except UnicodeDecodeError:
        return None


def _strangers(machine: Machine, entries: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield what has come into the directories since: a snapshot removes nothing it never saw."""
    for folder, was in entries.items():
        if was["walked"] and snapshots.look(machine, folder)["kind"] == "dir":
            with place(machine, folder) as where:
                for name in sorted(naming.names_in(where)):
                    if f"{folder}/{name}" not in entries:
                        yield f"{folder}/{name}"
