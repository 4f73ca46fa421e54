"""Where a flow is looked at: its stream and group, and the other names that its service has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service, what it reads, and how the inventory calls the rest."""

    flow: str  #: the service: DECISION_INTELLIGENCE, ROUTER or EXECUTION of faults/fault.py
    stream: str
    group: str
    #: by inventory variable: stream_trade_intent, stream_execution_result, ...
    names: Mapping[str, str] = field(default_factory=dict)
    symbols: bool = True  #: enable_symbol_breakdown: a bucket's field for each symbol and reason
    trades: bool = False  #: orders are placed: trading_enabled, and no safe_drain
    claim_idle_ms: int = 0  #: nobody takes over before an entry was idle for so long
    exchange: str = ""  #: the simulated exchange's URL; "": it trades on paper

    def named(self, variable: str, default: str) -> str:
        """Return another name, or what is the default there."""
        return self.names.get(variable) or default
