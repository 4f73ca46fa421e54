"""Claim: what runs on the host is what was deployed, byte for byte, and nothing older.

The agent re-hashes the release, the unit files, the environment and the credentials, and reads from
/proc what each process was really started with. All of it is held against the manifest of the
newest transaction. Digests of what only root may read appear here as marks under a key made for
this run, so that a record cannot be used to try passwords; equal marks mean equal content.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from harness.manifests import unit_files
from proofs.attesting import RELEASE, environment_files
from proofs.finding import Finding
from proofs.marking import is_secret, mark
from proofs.scene import Scene

COMPARED = ("kind", "sha256", "mode", "owner", "group", "target")
UNIT_KEPT = (
    "active", "sub", "main_pid", "need_reload", "started_at_us", "dropins", "cmdline", "cwd",
)  # fmt: skip
UNIT_DIGEST, ENV_DIGEST = "QUANTUM_UNIT_DIGEST", "QUANTUM_ENV_DIGEST"


def gather(scene: Scene) -> dict[str, Any]:
    """Return the manifest, the re-hashed files and releases, and each unit's process."""
    said = scene.attest()
    key = secrets.token_bytes(32)
    manifest, paths = said.get("manifest") or {}, said["paths"]
    files = unit_files(manifest)
    units = {
        name: {**_unit(unit, key), "files": _declared(files.get(name, ()), paths)}
        for name, unit in said["units"].items()
    }
    # An environment file holds settings and no secret: those come as credentials.
    plain = {path for unit in units.values() for path in unit["files"]["environment"]}
    hidden = {path for path, state in manifest.items() if is_secret(state)} - plain
    return {
        "mode": scene.host.mode,
        "git": dict(scene.git),
        "transaction": said.get("tx"),
        "transaction_state": said.get("tx_state"),
        "manifest": {p: _state(s, p in hidden, key) for p, s in manifest.items()},
        "paths": {p: _state(s, p in hidden, key) for p, s in paths.items()},
        "releases": said["releases"],
        "environments": {
            path: _environment(paths[path]["text"])
            for path in paths
            if paths[path].get("text") is not None
            and not any(path in placed for placed in files.values())
        },
        "units": units,
    }


def _state(state: Mapping[str, Any], hidden: bool, key: bytes) -> dict[str, Any]:  # noqa: FBT001
    kept = {name: state[name] for name in (*COMPARED, "mtime_ns") if name in state}
    if hidden and "sha256" in kept:
        kept["sha256"] = mark(kept["sha256"], key)
    return kept


def _unit(unit: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    given = unit.get("credentials") or {}
    environ = unit.get("environ") or {}
    return {
        **{name: unit.get(name) for name in UNIT_KEPT},
        "environ": {name: environ.get(name) for name in (UNIT_DIGEST, ENV_DIGEST)},
        "credentials": {n: d if d is None else mark(d, key) for n, d in given.items()},
    }


def _declared(files: Any, paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the unit's deployed files say, for comparison with what its process has."""
    text = "\n".join(str(paths.get(path, {}).get("text") or "") for path in files)
    digest = re.search(rf"^Environment={UNIT_DIGEST}=(\S+)$", text, re.MULTILINE)
    command = re.findall(r"^ExecStart=[@\-:+!]*(\S.*)$", text, re.MULTILINE)
    return {
        "paths": list(files),
        "digest": digest[1] if digest else None,
        "environment": environment_files(text),
        "credentials": dict(re.findall(r"^LoadCredential=([^:\s]+):(\S+)$", text, re.MULTILINE)),
        "releases": sorted(set(RELEASE.findall(text))),
        "command": shlex.split(command[-1]) if command else [],
    }


def _environment(text: str) -> dict[str, Any]:
    first, _, rest = text.partition("\n")
    said = first.removeprefix(f"{ENV_DIGEST}=") if first.startswith(f"{ENV_DIGEST}=") else None
    return {"said": said, "found": hashlib.sha256(rest.encode()).hexdigest()}


def check(evidence: Mapping[str, Any]) -> Finding:
    """Name every difference; any one refutes. Without a manifest or a unit nothing is shown."""
    manifest, units = evidence["manifest"], evidence["units"]
    if not manifest:
        return Finding.unknown("nothing was deployed to this host")
    wrong = [*_files(evidence), *_releases(evidence), *_git_wrong(evidence)]
    for name in units:
        wrong += [f"{name}: {reason}" for reason in _process(units[name], evidence)]
    if wrong:
        return Finding.refuted(*wrong)
    missing = [*_git_missing(evidence), *_unseen(evidence)]
    if missing:
        return Finding.unknown(*missing)
    notes = _notes(evidence)
    running = f"{len(units)} units run {len(manifest)} deployed paths as they were placed"
    return Finding.proved(running, *notes, transaction=evidence["transaction"])


def _files(evidence: Mapping[str, Any]) -> Iterator[str]:
    for path, wanted in evidence["manifest"].items():
        found = evidence["paths"].get(path, {"kind": "not looked at"})
        for key in COMPARED:
            if key in wanted and found.get(key) != wanted[key]:
                yield f"{path} is not what was deployed: its {key} differs"
                break
    for path, environment in evidence["environments"].items():
        if environment["said"] is not None and environment["said"] != environment["found"]:
            yield f"{path} does not have the digest that it states"


def _releases(evidence: Mapping[str, Any]) -> Iterator[str]:
    for name, unit in evidence["units"].items():
        for digest in unit["files"]["releases"]:
            release = evidence["releases"].get(digest) or {}
            if not release.get("complete"):
                yield f"{name}: release {digest[:12]} is not COMPLETE on the host"
            elif release.get("tree_digest") != digest:
                yield f"{name}: release {digest[:12]} was changed on the host"


def _process(unit: Mapping[str, Any], evidence: Mapping[str, Any]) -> Iterator[str]:
    """Yield how a unit's process differs from what its files say."""
    if unit["active"] != "active" or not unit["main_pid"]:
        yield f"it is {unit['active']}"
        return
    if unit["need_reload"]:
        yield "its file changed and systemd has not read it again"
    for path in unit["dropins"] or ():
        if path not in evidence["manifest"]:
            yield f"{path} changes it and was not deployed"
    yield from _started_with(unit, evidence)
    yield from _runs_in(unit)


def _started_with(unit: Mapping[str, Any], evidence: Mapping[str, Any]) -> Iterator[str]:
    declared, environments = unit["files"], evidence["environments"]
    if declared["digest"] and unit["environ"][UNIT_DIGEST] != declared["digest"]:
        yield "its process was started with another unit file"
    stated = [environments.get(path, {}).get("said") for path in declared["environment"]]
    if any(stated) and unit["environ"][ENV_DIGEST] not in stated:
        yield "its process was started with another environment file"
    for name, path in declared["credentials"].items():
        if unit["credentials"].get(name) != evidence["paths"].get(path, {}).get("sha256"):
            yield f"its process was given another credential {name} than lies on the host"
    if not declared["digest"] and _older(unit, evidence, declared["paths"]):
        yield "its process is older than its unit file"


def _runs_in(unit: Mapping[str, Any]) -> Iterator[str]:
    declared = unit["files"]
    for digest in declared["releases"]:
        if not str(unit["cwd"] or "").endswith(f"/opt/quantum/releases/{digest}"):
            yield f"its process does not run in release {digest[:12]}"
    if declared["releases"] and (unit["cmdline"] or [])[1:] != declared["command"][1:]:
        yield "its process has another command line than the unit file"


def _older(unit: Mapping[str, Any], evidence: Mapping[str, Any], paths: Any) -> bool:
    """Tell whether the process began before one of the files was placed."""
    placed = [evidence["paths"].get(path, {}).get("mtime_ns", 0) // 1000 for path in paths]
    return bool(placed) and int(unit["started_at_us"] or 0) < max(placed)


def _git_wrong(evidence: Mapping[str, Any]) -> Iterator[str]:
    if evidence["git"].get("dirty") and evidence["mode"] != "sandbox":
        yield "the project's work tree has uncommitted changes"


def _git_missing(evidence: Mapping[str, Any]) -> Iterator[str]:
    if not evidence["git"].get("commit") and evidence["mode"] != "sandbox":
        yield "the commit that was deployed from is not known"


def _unseen(evidence: Mapping[str, Any]) -> Iterator[str]:
    if not evidence["units"]:
        yield "no deployed unit was looked at"
    for name, unit in evidence["units"].items():
        if unit["files"]["releases"] and unit["files"]["digest"] is None:
            yield f"{name}: its file states no digest, so its process cannot be told from another"
        if unit["cwd"] is None and unit["files"]["releases"]:
            yield f"{name}: its process's directory could not be read"


def _notes(evidence: Mapping[str, Any]) -> list[str]:
    notes = []
    if evidence["git"].get("dirty"):
        notes.append("noted: deployed from a work tree with uncommitted changes")
    if not evidence["git"].get("commit"):
        notes.append("noted: deployed from a folder without a commit")
    for name, unit in evidence["units"].items():
        looked = [*unit["files"]["paths"], *unit["files"]["environment"]]
        if _older(unit, evidence, looked):
            notes.append(f"noted: {name}'s files were placed again, unchanged, after it started")
    return notes
