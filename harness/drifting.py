"""Compare a host with the manifest of its last committed deploy: paths, drop-ins, running units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.agent.services import UP
from harness.contact import Contact
from harness.desired import DesiredPath
from harness.dropins import unplaced
from harness.handmade import Rendered, as_deployed, at_home, contents, shown
from harness.manifests import unit_files
from harness.planning import Drift, drifted, stranger


def examine(contact: Contact, rendered: Rendered | None = None) -> tuple[Drift, ...]:
    """Return every managed path that changed and every drop-in that nobody deployed.

    With `rendered`, changed texts come with a diff.
    """
    return look(contact, rendered).drifted


@dataclass(frozen=True, slots=True)
class Seen:
    """What differs on a host, the states it was seen in, and what is known of what was there."""

    drifted: tuple[Drift, ...]
    paths: Mapping[str, Mapping[str, Any]]
    known: Mapping[str, DesiredPath]
    now: Mapping[str, DesiredPath]


def look(contact: Contact, rendered: Rendered | None = None) -> Seen:
    """Compare the host with what was deployed, as `examine` does; returns all that it saw."""
    manifest = contact.manifest
    units = unit_files(manifest)
    now = {one.path: one for one in rendered("").paths} if rendered else {}
    # units are read even where nothing changed: they name the release that was deployed
    named = {path for paths in units.values() for path in paths}
    said = contact.session.observe(
        paths={p: None if p in named else manifest[p].get("sha256") for p in manifest},
        # what no role asks for now may have been a secret when it was deployed
        secret=[p for p in manifest if p not in now or now[p].secret],
        units={u: {} for u in units}, packages=[], releases=[],
    )  # fmt: skip
    known = as_deployed(rendered, (), manifest, said["paths"]) if rendered else {}
    changed = tuple(drifted(manifest, said["paths"]))
    if rendered:
        changed = shown(changed, said["paths"], known, now, contact.host)
        changed = at_home(changed, said["paths"], now, rendered, ())
    dropins = tuple(strangers(manifest, said["units"]))
    if dropins:
        names = {each.path: None for each in dropins}
        more = contact.session.observe(paths=names, secret=[], units={}, packages=[], releases=[])
        said["paths"] |= more["paths"]
        dropins = contents(dropins, said["paths"], contact.host)
    everything = (*changed, *dropins, *stopped(said["units"]), *unread(said["units"]))
    return Seen(everything, said["paths"], known, now)


def stopped(units: Mapping[str, Mapping[str, Any]]) -> Iterable[Drift]:
    """Yield managed units that do not run: a deploy leaves them running."""
    for name, state in units.items():
        if state["active"] not in UP:
            why = f", result {state['result']}" if state["active"] == "failed" else ""
            yield Drift(name, (f"deployed to run, and is {state['active']}{why}",), False)


def unread(units: Mapping[str, Mapping[str, Any]]) -> Iterable[Drift]:
    """Yield managed units of which systemd knows other files than lie there: a deploy reloads."""
    for name, state in units.items():
        if state.get("need_reload"):
            yield Drift(name, ("its files were changed and systemd has not read them yet",), False)


def strangers(
    manifest: Mapping[str, Any], units: Mapping[str, Mapping[str, Any]]
) -> Iterable[Drift]:
    """Yield drop-ins that change a managed unit without having been deployed."""
    for path, name in unplaced(units, manifest).items():
        yield stranger(path, name)
