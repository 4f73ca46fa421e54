"""What has to go: units, env files and credentials that were deployed and are wanted no more.

Pure. Only two things go: what a service that the host still has needs no longer (an instance, a
credential), and the services that are named as absent. A service that no role asks for any more
stays and is named: a group that was lost by a slip removes nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.desired import Desired
from harness.manifests import service_of, unit_files, unit_of
from harness.steps import Step

#: How long a unit may take to stop before the agent kills it, in seconds; for the deadline alone.
STOP_WITHIN_S = 60

Manifest = Mapping[str, Mapping[str, Any]]
States = Mapping[str, Mapping[str, Any]]

_DATA = re.compile(r"^(?:StateDirectory|CacheDirectory|LogsDirectory)=(.+)$", re.MULTILINE)
_DATA_BELOW = {"S": "/var/lib", "C": "/var/cache", "L": "/var/log"}
_WORKING = re.compile(r"^WorkingDirectory=(/var/.+)$", re.MULTILINE)
_USER = re.compile(r"^User=(.+)$", re.MULTILINE)


def going(desired: Desired, manifest: Manifest) -> tuple[str, ...]:
    """Return the managed paths that are to go, what a directory holds before the directory."""
    asked = {one.path for one in desired.paths}
    services = {unit.service for unit in desired.units} | set(desired.absent)
    found = [path for path in manifest if path not in asked and service_of(path) in services]
    return tuple(sorted(found, key=lambda path: (manifest[path].get("kind") == "dir", path)))


def units(desired: Desired, manifest: Manifest) -> tuple[str, ...]:
    """Return the deployed units that are to go."""
    leaving, kept = set(going(desired, manifest)), {unit.name for unit in desired.units}
    return tuple(
        name
        for name, paths in unit_files(manifest).items()
        if name not in kept and leaving.issuperset(paths)
    )


def stops(desired: Desired, manifest: Manifest, states: States) -> list[Step]:
    """Return the step that stops every unit that is to go, if there is one."""
    names = units(desired, manifest)
    if not names:
        return []
    told = [{"name": name, "action": "stop", "wait_s": STOP_WITHIN_S} for name in names]
    lines = tuple(f"{name}: is {_active(states, name)}, and is to go" for name in names)
    words = {"do": "settle", "reload": False, "units": told}
    return [Step("settle", " ".join(names), words, lines, "stop")]


def _active(states: States, name: str) -> str:
    return str(states.get(name, {}).get("active", "there"))


def removals(paths: Iterable[str], seen: States) -> list[Step]:
    """Return the steps that take the paths away; each is kept in the transaction first."""
    found = []
    for path in paths:
        before = {k: v for k, v in seen[path].items() if k in _COMPARED}
        words = {"do": "absent", "path": path, "before": before}
        lines = ("is gone already",) if before["kind"] == "absent" else ()
        found.append(Step("absent", path, words, lines, "remove"))
    return found


_COMPARED = ("kind", "sha256", "mode", "owner", "group", "target")


def stays(desired: Desired, paths: Sequence[str], seen: States) -> tuple[str, ...]:
    """Return what is left behind on purpose: data, and users that a unit ran as."""
    told: dict[str, None] = {}
    wanted = {one.path: one for one in desired.paths}
    for path, state in seen.items():
        if not unit_of(path) or "text" not in state:
            continue
        text = str(state["text"])
        if path in paths:
            told |= dict.fromkeys(f"data below {folder}" for folder in _data(text))
        now = wanted[path].content.decode() if path in wanted else ""
        if path in wanted or path in paths:
            users = (user for user in _USER.findall(text) if f"User={user}\n" not in now)
            told |= dict.fromkeys(f"user {user}" for user in users)
    return tuple(told)


def _data(text: str) -> Iterable[str]:
    for match in _DATA.finditer(text):
        for name in match[1].split():
            yield posixpath.join(_DATA_BELOW[match[0][0]], name)
    yield from _WORKING.findall(text)
