"""Write how a consumer stands: its state and why, its lag and pending, into a hash of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping

from consumers.loop.context import Context
from consumers.loop.settings import Settings
from streams import groups

#: Where counting the lag by ids gives up; "at least" then.
LAG_UP_TO = 20_000


class Standing:
    """The process's entry in its status hash, and the same as metrics."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context = context
        self._about = {
            "consumer_name": context.settings.consumer_name,
            "service_start_ts": f"{time.time():.3f}",
            "version": context.settings.release,
            "mode": context.settings.quantum_mode,
        }

    def tell(self, state: str, cause: str, more: Mapping[str, str | int]) -> str:
        """Write the state (running, stopped, degraded, GROUP_MOVED), why, and what the work says.

        Return lag and pending in words; redis-py's errors pass through.
        """
        place, client = self._context.place, self._context.client
        at = groups.position(client, place.stream, place.group)
        lag = groups.lag(client, place.stream, place.group, up_to=LAG_UP_TO)
        pending = at.pending if at else 0
        words: dict[str, str | int] = {
            **self._about,
            "state": state,
            "cause": cause,
            "pending_estimate": pending,
            "lag": "" if lag is None else lag.entries,
            "lag_exact": str(lag is not None and lag.exact).lower(),
            **more,
        }
        client.hset(place.standing, mapping=words)
        self._context.metrics.set("pending", pending)
        if lag is None:
            return "no group"
        self._context.metrics.set("lag", lag.entries)
        at_least = "" if lag.exact else "at least "
        return f"lag {at_least}{lag.entries}, pending {pending}"
