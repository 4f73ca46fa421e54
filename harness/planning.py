"""Compare what a host should be with what it is, and return the steps between the two.

Pure: no connection, no clock, no file. `invoke plan` prints exactly what `invoke deploy` applies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import removing
from harness.desired import Desired, DesiredPath, DesiredUnit
from harness.differences import describe, told
from harness.dropins import removable
from harness.manifests import unit_of
from harness.steps import Step

#: What is compared between two states of a path; mtime and size follow from these.
COMPARED = ("kind", "sha256", "mode", "owner", "group", "target")

#: How long a unit may take until it says READY, unless the inventory says otherwise, in seconds.
READY_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Drift:
    """A managed path that is no longer what the last deploy left."""

    path: str
    lines: tuple[str, ...]
    wanted_too: bool  #: it already is what the new plan wants, so nothing is lost
    diff: tuple[str, ...] = ()  #: what was changed in its text, secrets masked

    def document(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {"path": self.path, "lines": list(self.lines), "diff": list(self.diff)}


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps for one host, in order; empty when it already is what it should be."""

    steps: tuple[Step, ...]
    drifted: tuple[Drift, ...] = ()
    leftovers: tuple[str, ...] = ()  #: deployed earlier, asked for by no role, and left there
    stays: tuple[str, ...] = ()  #: what a removed service leaves behind, in words

    @property
    def restarts(self) -> tuple[str, ...]:
        """Return the units that the plan starts or restarts."""
        return tuple(
            unit["name"]
            for step in self.steps
            if step.do == "settle"
            for unit in step.words["units"]
            if unit["action"] == "restart"
        )

    @property
    def removed(self) -> tuple[str, ...]:
        """Return the paths that the plan takes away."""
        return tuple(step.what for step in self.steps if step.do == "absent")


@dataclass(frozen=True, slots=True)
class Observation:
    """What the agent saw, as it said it: states of paths and units, packages, releases."""

    paths: Mapping[str, Mapping[str, Any]]
    units: Mapping[str, Mapping[str, Any]]
    packages: Mapping[str, str | None]
    releases: Mapping[str, bool]
    manifest: Mapping[str, Mapping[str, Any]]
    dropins: Mapping[str, str] = field(default_factory=dict)  #: path -> unit; by no deploy
    users: Mapping[str, bool] = field(default_factory=dict)


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two states of a path are alike in all that a deploy manages."""
    return all(one.get(key) == other.get(key) for key in COMPARED)


def plan(
    desired: Desired,
    seen: Observation,
    *,
    blob: str = "",
    ready_within_s: int = READY_WITHIN_S,
    overwrite: bool = False,
) -> Plan:
    """Return the steps from `seen` to `desired`; `blob` is the digest of the release's archive.

    With `overwrite` drop-ins of a wanted unit that no deploy placed are taken away.
    """
    steps = [
        Step("package", name, {"do": "package", "name": name}, verb="install")
        for name in desired.packages
        if not seen.packages.get(name)
    ]
    steps += [
        Step(
            "user",
            name,
            {"do": "user", "name": name},
            ("a system user who cannot log in",),
            "create",
        )
        for name in desired.users
        if not seen.users.get(name)
    ]
    changed = [one for one in desired.paths if not satisfied(one, seen.paths[one.path])]
    steps += [_path_step(one, seen) for one in changed if one.kind == "dir"]
    if desired.release and not seen.releases.get(desired.release):
        steps.append(_release_step(desired, blob))
    # what is to go has stopped before anything new starts: a name is never used twice at once
    going = removing.going(desired, seen.manifest)
    steps += removing.stops(desired, seen.manifest, seen.units)
    steps += [_path_step(one, seen) for one in changed if one.kind != "dir"]
    steps += removing.removals(going, seen.paths)
    taken = {p: u for p, u in seen.dropins.items() if overwrite and removable(p, u)}
    steps += [_removal(path, seen.paths[path]) for path in taken]
    settle = _settle(
        desired, seen, {one.path for one in changed}, ready_within_s, going,
        frozenset(taken.values()),
    )  # fmt: skip
    if settle:
        steps.append(settle)
    asked = {one.path for one in desired.paths}
    return Plan(
        steps=tuple(steps),
        drifted=(
            *drifted(seen.manifest, seen.paths, desired.paths, going),
            *(stranger(path, unit) for path, unit in seen.dropins.items()),
        ),
        leftovers=tuple(sorted(set(seen.manifest) - asked - set(going))),
        stays=removing.stays(desired, going, seen.paths),
    )


def satisfied(wanted: DesiredPath, state: Mapping[str, Any]) -> bool:
    """Tell whether a path already is what it should be."""
    if wanted.kind == "symlink":
        # `systemctl enable` may have written the same link by another spelling of the directory
        target = str(state.get("target", ""))
        return state["kind"] == "symlink" and (
            target == wanted.target
            or posixpath.basename(target) == posixpath.basename(wanted.path)
            == posixpath.basename(wanted.target)
        )  # fmt: skip
    if wanted.kind == "dir" and wanted.implied:
        return bool(state["kind"] == "dir")
    return bool(
        state["kind"] == wanted.kind
        and state.get("mode") == wanted.mode
        and (state.get("owner"), state.get("group")) == (wanted.owner, wanted.group)
        and (wanted.kind == "dir" or state.get("sha256") == wanted.sha256)
    )


def drifted(
    manifest: Mapping[str, Mapping[str, Any]],
    seen: Mapping[str, Mapping[str, Any]],
    wanted: Iterable[DesiredPath] = (),
    going: Iterable[str] = (),
) -> Iterable[Drift]:
    """Yield the paths that changed on the host since they were deployed."""
    leaving = set(going)
    asked = {one.path: one for one in wanted}
    for path, left in manifest.items():
        state = seen.get(path)
        if state is None or same(left, state):
            continue
        lines = tuple(
            f"{key}: {_shown(key, left.get(key))} -> {_shown(key, state.get(key))}"
            for key in COMPARED
            if left.get(key) != state.get(key)
        )
        gone = path in leaving and state["kind"] == "absent"
        yield Drift(path, lines, gone or (path in asked and satisfied(asked[path], state)))


def stranger(path: str, unit: str) -> Drift:
    """Return the drift that a drop-in is which no deploy placed."""
    return Drift(path, (f"a drop-in of {unit} that no deploy placed",), False)


def _shown(key: str, value: object) -> str:
    if value is None:
        return "nothing"
    if key == "mode" and isinstance(value, int):
        return f"{value:04o}"
    return str(value)[:12] if key == "sha256" else str(value)


def _path_step(wanted: DesiredPath, seen: Observation) -> Step:
    before = seen.paths[wanted.path]
    kept = {key: before[key] for key in COMPARED if key in before}
    words: dict[str, Any] = {"do": wanted.kind, "path": wanted.path, "before": kept}
    if wanted.kind == "symlink":
        words["target"] = wanted.target
    else:
        words |= {"mode": wanted.mode, "owner": wanted.owner, "group": wanted.group}
    if wanted.kind == "file":
        words |= {"sha256": wanted.sha256, "blob": wanted.sha256}
        if wanted.verify:
            words["verify"] = wanted.verify
    # what no deploy has placed was made by hand or came with a package: it is kept, and said so
    existing = "change" if wanted.path in seen.manifest else "adopt"
    verb = "create" if before["kind"] == "absent" else existing
    return Step(wanted.kind, wanted.path, words, describe(before, wanted), verb)


def _removal(path: str, state: Mapping[str, Any]) -> Step:
    kept = {key: state[key] for key in COMPARED if key in state}
    words = {"do": "absent", "path": path, "before": kept}
    return Step("absent", path, words, told(state), "remove")


def _release_step(desired: Desired, blob: str) -> Step:
    words = {
        "do": "release", "digest": desired.release, "blob": blob, "modules": list(desired.modules)
    }  # fmt: skip
    return Step("release", f"release {desired.release[:12]}", words, verb="install")


def _settle(
    desired: Desired, seen: Observation, changed: set[str], ready_within_s: int,
    going: Iterable[str], stripped: frozenset[str],
) -> Step | None:  # fmt: skip
    reasons = {unit.name: _why_restart(unit, seen, changed) for unit in desired.units}
    reasons |= {name: reasons[name] or "runs with a drop-in that goes" for name in stripped}
    reload = (
        bool(stripped)
        or any(unit_of(path) for path in going)
        or any(
            unit.path in changed or seen.units[unit.name].get("need_reload")
            for unit in desired.units
        )
    )
    if not reload and not any(reasons.values()):
        return None
    units = [
        {"name": name, "action": "restart" if why else "none", "wait_s": ready_within_s}
        for name, why in reasons.items()
    ]
    lines = tuple(f"{name}: {why}" for name, why in reasons.items() if why)
    words = {"do": "settle", "reload": reload, "units": units}
    names = " ".join(name for name, why in reasons.items() if why)
    return Step(
        "settle", names or "systemd", words, lines, verb="restart" if names else "reload"
    )  # fmt: skip


def _why_restart(unit: DesiredUnit, seen: Observation, changed: set[str]) -> str:
    """Return why the unit must be restarted, by its process; empty when it need not."""
    state = seen.units[unit.name]
    if state["active"] != "active":
        return f"is {state['active']}"
    environ = state.get("environ") or {}
    for name, digest in unit.digests.items():
        if environ.get(name) != digest:
            what = "unit file" if name == "QUANTUM_UNIT_DIGEST" else "env file"
            return f"runs with another {what} ({name})"
    given = state.get("credentials") or {}
    for name, path in unit.credentials.items():
        if path in changed or given.get(name) != seen.paths[path].get("sha256"):
            return f"was given another credential ({name})"
    return ""
