"""Start, stop and restart units by hand, under the lock, so that no deploy is amid its work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .failing import AgentError
from .machine import Machine
from .services import ServiceError

VERBS = ("start", "stop", "restart")


def operate(
    machine: Machine, verb: str, units: Sequence[str], wait_s: float, check: Callable[[], None]
) -> dict[str, Any]:
    """Do it to all units and return their states before and after, and what went wrong.

    A unit that does not come up is an answer, not an error: the states tell which one it is.
    """
    if verb not in VERBS:
        raise AgentError("request", f"units are not made to {verb!r}")
    services, asked = machine.services, dict.fromkeys(units, ())
    before = services.show(asked)
    missing = [name for name, state in before.items() if state["load"] == "not-found"]
    if missing:
        raise AgentError(
            "refused",
            f"there is no unit {', '.join(missing)} on this host",
            action="invoke deploy: it places the units of the host's roles",
        )
    cause = ""
    try:
        if verb == "stop":
            services.stop(units)
        else:
            # after the start limit even a start by hand is refused until that is forgotten
            services.reset_failed(units)
            (services.start if verb == "start" else services.restart)(units, wait_s, check)
    except ServiceError as error:
        cause = str(error)
    return {"before": before, "after": services.show(asked), "cause": cause}
