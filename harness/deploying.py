"""Observe one host, plan it, and carry the plan out as one transaction on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness import removing
from harness.contact import Contact
from harness.desired import Desired
from harness.errors import DriftError, LockedError
from harness.handmade import Rendered, as_deployed, masked, shown
from harness.manifests import told_openly
from harness.planning import Drift, Observation, Plan, plan
from harness.releases import Release


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a host should be, and the release that it needs, if any."""

    desired: Desired
    release: Release | None
    again: Rendered | None = None  #: the same with another release, to tell what a hand changed


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


def observe(contact: Contact, desired: Desired) -> Observation:
    """Ask the agent for the state of everything that is wanted or was deployed before."""
    paths: dict[str, str | None] = dict.fromkeys(contact.manifest)
    paths |= {one.path: one.sha256 or None for one in desired.paths}
    # what no role asks for now may have been a secret when it was deployed
    secret = {path for path in contact.manifest if not told_openly(path)}
    secret -= {one.path for one in desired.paths}
    units = {name: dict[str, Any]() for name in removing.units(desired, contact.manifest)}
    units |= {unit.name: {"credentials": dict(unit.credentials)} for unit in desired.units}
    said = contact.session.observe(
        paths=paths,
        secret=[*secret, *(one.path for one in desired.paths if one.secret)],
        units=units,
        packages=list(desired.packages),
        users=list(desired.users),
        releases=[desired.release] if desired.release else [],
    )
    return Observation(
        paths=said["paths"],
        units=said["units"],
        packages=said["packages"],
        releases=said["releases"],
        manifest=contact.manifest,
        users=said.get("users") or {},
    )


def prepare(contact: Contact, wanted: Wanted) -> Prepared:
    """Observe and plan one host. Writes nothing on it."""
    seen = observe(contact, wanted.desired)
    blob = wanted.release.blob_sha256 if wanted.release else ""
    ready_within_s = contact.host.number("ready_within_s", 60)
    planned = plan(wanted.desired, seen, blob=blob, ready_within_s=ready_within_s)
    # a hand may have typed a secret into a file that holds none, and a diff shows what was there
    clean = (replace(one, lines=masked(one.lines, contact.host)) for one in planned.steps)
    planned = replace(planned, steps=tuple(clean))
    if planned.drifted and wanted.again:
        releases = [wanted.desired.release]
        known = as_deployed(wanted.again, releases, seen.manifest, seen.paths)
        now = {one.path: one for one in wanted.desired.paths}
        told = shown(planned.drifted, seen.paths, known, now, contact.host)
        planned = replace(planned, drifted=told)
    return Prepared(contact, wanted, seen, planned)


def overwritten(prepared: Prepared) -> list[Drift]:
    """Return the drift that the plan would overwrite; what no role asks for is left alone."""
    touched = {step.words.get("path") for step in prepared.plan.steps}
    return [d for d in prepared.plan.drifted if d.path in touched and not d.wanted_too]


def refuse_drift(prepared: Prepared) -> None:
    """Raise DriftError when the plan would overwrite what somebody changed by hand."""
    lost = overwritten(prepared)
    if not lost:
        return
    told = "; ".join(f"{drift.path} ({', '.join(drift.lines)})" for drift in lost)
    told += "".join(f"\n    {line}" for drift in lost for line in drift.diff)
    raise DriftError(
        f"changed by hand since the last deploy: {told}",
        host=prepared.name,
        step="plan",
        action=f"bring the change home (invoke drift -i {prepared.contact.host.inventory} shows"
        f" it), or invoke deploy -i {prepared.contact.host.inventory} --overwrite-drift"
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


def apply(prepared: Prepared, transaction: str, meta: Mapping[str, Any]) -> Mapping[str, Any]:
    """Carry the plan out as one transaction; it is undone by the host unless committed.

    Raises AgentError, DriftError, LockedError or InDoubtError; after any but the last the host is
    as it was.
    """
    steps = [dict(step.words) for step in prepared.plan.steps]
    return prepared.contact.session.apply(
        transaction, kind="deploy", meta=meta, steps=steps, blobs=blobs(prepared)
    )


def blobs(prepared: Prepared) -> Mapping[str, bytes]:
    """Return the contents that the plan's steps refer to, by digest."""
    contents = {one.sha256: one.content for one in prepared.wanted.desired.paths if one.sha256}
    if prepared.wanted.release:
        contents[prepared.wanted.release.blob_sha256] = prepared.wanted.release.archive
    needed = {step.words["blob"] for step in prepared.plan.steps if "blob" in step.words}
    return {digest: contents[digest] for digest in needed}
