"""What a deploy must not take away while it is in use: an execution that may trade."""

from __future__ import annotations

from harness.deploying import Prepared
from harness.errors import ConfigurationError
from harness.manifests import service_of, unit_of
from roles.execution import ROLE

DIGEST = "QUANTUM_ENV_DIGEST"


def refuse_traders(prepared: Prepared) -> None:
    """Raise where the plan removes an execution that is not known to be shut.

    Shut is only what says so twice: the env file that lies there, and the process that was started
    with that very file. A file that is gone or cannot be read says nothing.
    """
    if ROLE.env not in prepared.plan.removed:
        return
    found = prepared.seen.paths[ROLE.env]
    lines = str(found.get("text", "")).splitlines()
    why = ""
    if not {"SAFE_DRAIN=true", "TRADING_ENABLED=false"}.intersection(lines):
        why = f"{ROLE.env} does not say that its gates are shut"
    digest = next((line.partition("=")[2] for line in lines if line.startswith(DIGEST)), "")
    for path in prepared.plan.removed:
        name = unit_of(path)
        state = prepared.seen.units.get(name) or {}
        running = state.get("active") != "inactive" and state.get("main_pid")
        if service_of(path) != ROLE.service or not running:
            continue
        if (state.get("environ") or {}).get(DIGEST) != digest:
            why = why or f"{name} runs with another env file than the one that lies there"
    if why:
        raise ConfigurationError(
            f"execution is to go from here, and may be trading: {why}",
            host=prepared.name, step="remove execution",
            action=f"invoke trading.disable -i {prepared.contact.host.inventory}"
            f" --limit {prepared.name}, then invoke deploy",
        )  # fmt: skip
