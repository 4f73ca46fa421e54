"""Observe one host, plan it, and carry the plan out as one transaction on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness import removing
from harness.contact import Contact
from harness.desired import Desired
from harness.dropins import removable, unplaced
from harness.errors import DriftError, LockedError
from harness.handmade import Rendered, as_deployed, at_home, contents, masked, shown
from harness.host import Host
from harness.manifests import service_of, told_openly
from harness.planning import Drift, Observation, Plan, plan
from harness.releases import Release
from harness.switches import Switch


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a host should be, and the release that it needs, if any."""

    desired: Desired
    release: Release | None
    again: Rendered | None = None  #: the same with another release, to tell what a hand changed
    only: tuple[str, ...] = ()  #: the services that it is about; empty: all of the host


@dataclass(frozen=True, slots=True)
class Prepared:
    """One host, observed and planned; nothing on it has changed yet."""

    contact: Contact
    wanted: Wanted
    seen: Observation
    plan: Plan

    @property
    def name(self) -> str:
        """Return the host's name."""
        return self.contact.host.name


def observe(
    contact: Contact, desired: Desired, manifest: Mapping[str, Mapping[str, Any]] | None = None
) -> Observation:
    """Ask the agent for the state of everything that is wanted or was deployed before.

    `manifest` is what of the deployed is looked at; None: all of it.
    """
    manifest = contact.manifest if manifest is None else manifest
    paths: dict[str, str | None] = dict.fromkeys(manifest)
    paths |= {one.path: one.sha256 or None for one in desired.paths}
    # what no role asks for now may have been a secret when it was deployed
    secret = {path for path in manifest if not told_openly(path)}
    secret -= {one.path for one in desired.paths}
    units = {name: dict[str, Any]() for name in removing.units(desired, manifest)}
    units |= {unit.name: {"credentials": dict(unit.credentials)} for unit in desired.units}
    said = contact.session.observe(
        paths=paths,
        secret=[*secret, *(one.path for one in desired.paths if one.secret)],
        units=units,
        packages=list(desired.packages),
        users=list(desired.users),
        releases=[desired.release] if desired.release else [],
    )
    strange = unplaced(said["units"], contact.manifest, paths)
    if strange:  # rare enough for another question
        more = contact.session.observe(
            paths=dict.fromkeys(strange), secret=[], units={}, packages=[], releases=[]
        )
        said["paths"] |= more["paths"]
    return Observation(
        paths=said["paths"],
        units=said["units"],
        packages=said["packages"],
        releases=said["releases"],
        manifest=manifest,
        dropins={p: unit for p, unit in strange.items() if said["paths"][p]["kind"] != "absent"},
        users=said.get("users") or {},
    )


def prepare(contact: Contact, wanted: Wanted, *, overwrite: bool = False) -> Prepared:
    """Observe and plan one host. Writes nothing on it."""
    asked = {one.path for one in wanted.desired.paths}
    # what is outside the chosen services is not looked at, so that nothing can come of it
    about = {*wanted.only, *wanted.desired.absent}
    manifest = {
        path: state for path, state in contact.manifest.items()
        if not wanted.only or path in asked or service_of(path) in about
    }  # fmt: skip
    seen = observe(contact, wanted.desired, manifest)
    blob = wanted.release.blob_sha256 if wanted.release else ""
    ready_within_s = contact.host.number("ready_within_s", 60)
    planned = plan(
        wanted.desired, seen, blob=blob, ready_within_s=ready_within_s, overwrite=overwrite
    )
    # a hand may have typed a secret into a file that holds none, and a diff shows what was there
    clean = (replace(one, lines=masked(one.lines, contact.host)) for one in planned.steps)
    drifted = _explained(planned.drifted, wanted, seen, contact.host)
    return Prepared(contact, wanted, seen, replace(planned, steps=tuple(clean), drifted=drifted))


def _explained(
    drifted: Sequence[Drift], wanted: Wanted, seen: Observation, host: Host
) -> tuple[Drift, ...]:
    """Return the drift with what a hand wrote, and with whether that is wanted by now."""
    strange = [each for each in drifted if each.path in seen.dropins]
    told = tuple(each for each in drifted if each.path not in seen.dropins)
    if told and wanted.again:
        releases = [wanted.desired.release]
        known = as_deployed(wanted.again, releases, seen.manifest, seen.paths)
        now = {one.path: one for one in wanted.desired.paths}
        told = shown(told, seen.paths, known, now, host)
        told = at_home(told, seen.paths, now, wanted.again, releases)
    return (*told, *contents(strange, seen.paths, host))


def overwritten(prepared: Prepared) -> list[Drift]:
    """Return the drift that the plan would overwrite; what no role asks for is left alone."""
    touched = {step.words.get("path") for step in prepared.plan.steps}
    return [each for each in prepared.plan.drifted if each.path in touched and not each.wanted_too]


def refuse_drift(prepared: Prepared, *, overwrite: bool = False) -> None:
    """Raise DriftError when the plan would overwrite what somebody changed by hand.

    A drop-in that no deploy placed is in the way, too: what is placed beside it is not what runs.
    """
    strange = prepared.seen.dropins
    kept = [path for path, unit in strange.items() if not removable(path, unit)]
    if kept:
        raise DriftError(
            f"{strange[kept[0]]} is changed by drop-ins that no deploy placed: {', '.join(kept)}",
            host=prepared.name, step="plan",
            action="remove them on the host: they are not in the unit's own folder, so a deploy"
            " leaves them alone, and nothing that it placed would be what runs",
        )  # fmt: skip
    lost = [each for each in prepared.plan.drifted if each.path in strange]
    lost = [] if overwrite else [*overwritten(prepared), *lost]
    if not lost:
        return
    told = "; ".join(f"{drift.path} ({', '.join(drift.lines)})" for drift in lost)
    told += "".join(f"\n    {line}" for drift in lost for line in drift.diff)
    raise DriftError(
        f"changed by hand since the last deploy: {told}",
        host=prepared.name,
        step="plan",
        action=f"invoke drift -i {prepared.contact.host.inventory} --capture brings the change home"
        f" as a patch, or invoke deploy -i {prepared.contact.host.inventory} --overwrite-drift"
        " (what is there is kept in the transaction's backup; invoke rollback brings it back)",
    )


def refuse_locked(contact: Contact) -> None:
    """Raise LockedError while somebody else deploys: what is seen there now may not last."""
    if not contact.lock:
        return
    holder = contact.lock
    raise LockedError(
        f"{holder.get('operator')} deploys here right now from {holder.get('from') or '?'}"
        f" with the transaction {holder.get('tx') or '?'}",
        host=contact.host.name,
        step="lock",
        action="wait for it to end; a holder that dies frees the lock by itself",
    )


def recover(contact: Contact, meta: Mapping[str, Any]) -> None:
    """Put back what a power cut has left unfinished, so that the plan is made from whole states."""
    refuse_locked(contact)
    if contact.unfinished:
        contact.session.recover(meta=meta)


def apply(
    prepared: Prepared,
    transaction: str,
    meta: Mapping[str, Any],
    switch: Switch | None = None,
) -> Mapping[str, Any]:
    """Carry the plan out as one transaction; it is undone by the host unless committed.

    With a `switch` that takes a confirm over a new connection (harness.switches).

    Raises AgentError, DriftError, LockedError or InDoubtError; after any but the last the host is
    as it was.
    """
    steps = [dict(step.words) for step in prepared.plan.steps]
    return prepared.contact.session.apply(
        transaction, kind="deploy", meta=meta, steps=steps, blobs=blobs(prepared),
        switch=switch.words(prepared.contact.host) if switch else None,
    )  # fmt: skip


def blobs(prepared: Prepared) -> Mapping[str, bytes]:
    """Return the contents that the plan's steps refer to, by digest."""
    contents = {one.sha256: one.content for one in prepared.wanted.desired.paths if one.sha256}
    if prepared.wanted.release:
        contents[prepared.wanted.release.blob_sha256] = prepared.wanted.release.archive
    needed = {step.words["blob"] for step in prepared.plan.steps if "blob" in step.words}
    return {digest: contents[digest] for digest in needed}
