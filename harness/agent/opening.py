"""Make the machine that words describe: those of a laptop's hello, or of an armed switch."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .machine import Machine
from .services import Services
from .systemd import Systemd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def machine(words: Mapping[str, Any], *, booting: bool = False) -> Machine:
    """Return the host as the steps see it."""
    services: Services
    if words.get("services", "systemd") == "systemd":
        services = Systemd(booting=booting)
    else:
        from .supervisor import Supervisor  # the sandbox's own, and no host needs it

        services = Supervisor(words["control"])
    root = os.path.realpath(words.get("root") or "/").rstrip("/")
    return Machine(root, services, honour_owners=bool(words.get("honour_owners", True)))
