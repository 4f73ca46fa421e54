"""Let one claim be gathered and judged by each service's own part.

A part is a module with `gather(scene)` and a pure `check(evidence)`, as a claim is.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from proofs.finding import Finding
from proofs.scene import Scene

#: Evidence from before other services had parts says nothing of its service.
FIRST = "p35-decision-intelligence"

Parts = Mapping[str, str]  #: service -> module


def gather(parts: Parts, scene: Scene) -> dict[str, Any]:
    """Return what the service's part gathers, and whose it is; raises ValueError without a part."""
    service = scene.flow.service
    if service not in parts:
        raise ValueError(f"nobody has said how this is seen of {service or scene.host.name}")
    gathered: dict[str, Any] = part(parts, service).gather(scene)
    return {"service": service, **gathered}


def check(parts: Parts, evidence: Mapping[str, Any]) -> Finding:
    """Judge by the part of the service that the evidence is about."""
    found: Finding = part(parts, evidence.get("service", FIRST)).check(evidence)
    return found


def part(parts: Parts, service: str) -> ModuleType:
    """Return a service's part; raises KeyError."""
    return importlib.import_module(parts[service])
