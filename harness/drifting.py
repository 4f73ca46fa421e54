"""Compare a host with the manifest of its last committed deploy: paths, drop-ins, running units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.agent.services import UP
from harness.contact import Contact
from harness.manifests import unit_files
from harness.planning import Drift, drifted


def examine(contact: Contact) -> tuple[Drift, ...]:
    """Return every managed path that changed and every drop-in that nobody deployed."""
    manifest = contact.manifest
    units = unit_files(manifest)
    said = contact.session.observe(
        paths=dict.fromkeys(manifest), secret=list(manifest), units={u: {} for u in units},
        packages=[], releases=[],
    )  # fmt: skip
    return (
        *drifted(manifest, said["paths"]),
        *strangers(manifest, said["units"]),
        *stopped(said["units"]),
    )


def stopped(units: Mapping[str, Mapping[str, Any]]) -> Iterable[Drift]:
    """Yield managed units that do not run: a deploy leaves them running."""
    for name, state in units.items():
        if state["active"] not in UP:
            why = f", result {state['result']}" if state["active"] == "failed" else ""
            yield Drift(name, (f"deployed to run, and is {state['active']}{why}",), False)


def strangers(
    manifest: Mapping[str, Any], units: Mapping[str, Mapping[str, Any]]
) -> Iterable[Drift]:
    """Yield drop-ins that change a managed unit without having been deployed."""
    for name, state in units.items():
        for path in state.get("dropins") or ():
            if path not in manifest:
                yield Drift(path, (f"a drop-in of {name} that no deploy placed",), False)
