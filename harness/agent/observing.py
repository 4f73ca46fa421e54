"""Tell what is on the host: for a plan, for drift, and as evidence; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping

from . import packages, releases, running, states, users
from .machine import Machine
from .services import Asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _asked(request: Mapping[str, Any]) -> Asked:
    units = request.get("units") or {}
    return {name: tuple((asked or {}).get("credentials") or ()) for name, asked in units.items()}


def observe(machine: Machine, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of paths, units, packages and releases that were asked for."""
    secret = set(request.get("secret") or ())
    wanted: Mapping[str, str | None] = request.get("paths") or {}
    return {
        "paths": {
            path: states.observe(machine, path, sha256, secret=path in secret)
            for path, sha256 in wanted.items()
        },
        "units": machine.services.show(_asked(request)),
        "packages": packages.versions(machine, request.get("packages") or []),
        "users": users.known(machine, request.get("users") or []),
        "releases": {
            digest: releases.complete(machine, digest) for digest in request.get("releases") or []
        },
    }


def attest(machine: Machine, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return evidence: releases hashed anew, and what the running processes really are."""
    units = machine.services.show(_asked(request))
    for state in units.values():
        pid = int(state.get("main_pid") or 0)
        # where there is no /proc, the supervisor's word stands
        state["cmdline"] = (running.cmdline(pid) if pid else []) or state.get("cmdline") or []
        state["cwd"] = (running.cwd(pid) if pid else None) or state.get("cwd")
    return {
        "paths": {
            path: states.observe(machine, path, None, secret=True)
            for path in request.get("paths") or ()
        },
        "units": units,
        "releases": {
            digest: releases.attest(machine, digest) for digest in request.get("releases") or ()
        },
    }
