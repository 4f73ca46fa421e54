"""Claim: a rollback put every path back to what it was before the deploys that it undid.

Judged from the agent's own account: for each path it touched, the state that the journal kept from
before and the state that is there now. A file changed by hand meanwhile was kept and is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.finding import Finding
from proofs.scene import Scene

COMPARED = ("kind", "sha256", "mode", "owner", "group", "target")
#: A directory's time moves with its children's; of the rest, time is restored too.
TIMED = ("file", "symlink")


def gather(scene: Scene) -> dict[str, Any]:
    """Refuse: the evidence is the agent's reply to a rollback, and a proof never runs one."""
    raise ValueError(f"only a rollback of {scene.host.name} itself can show this")


def check(evidence: Mapping[str, Any]) -> Finding:
    """Compare before and after, path for path."""
    if evidence["state"] != "rolled_back":
        return Finding.refuted(f"the rollback ended {evidence['state']}")
    problems = [problem for one in evidence["undone"] for problem in one.get("problems", ())]
    after, before = evidence["paths"], evidence.get("before")
    if before is None:
        return Finding.unknown("the agent did not say what was there before")
    wrong = [f"{path} was not looked at afterwards" for path in before if path not in after]
    wrong += [
        f"{path}: its {key} is not what it was"
        for path, was in before.items()
        if path in after
        for key in _compared(was)
        if was.get(key) != after[path].get(key)
    ]
    if wrong or problems:
        return Finding.refuted(*wrong, *problems)
    if not before:
        return Finding.unknown("the rollback had nothing to put back")
    notes = [
        f"changed by hand, kept as {drift['kept_as']}: {drift['path']}"
        for one in evidence["undone"]
        for drift in one.get("drifted", ())
    ]
    kept = [package for one in evidence["undone"] for package in one.get("kept", ())]
    notes += [f"packages stay installed: {', '.join(kept)}"] if kept else []
    return Finding.proved(f"{len(before)} paths are what they were", *notes)


def _compared(was: Mapping[str, Any]) -> tuple[str, ...]:
    timed = ("mtime_ns",) if was.get("kind") in TIMED and "mtime_ns" in was else ()
    return COMPARED + timed
