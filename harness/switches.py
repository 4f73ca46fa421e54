"""The laptop's end of a dead man's switch: the token that keeps a transaction, and its time."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from harness.host import Host

#: What a gate's claim may take unless the inventory says otherwise, in seconds.
GATE_WITHIN_S = 30
#: So many claims are looked at one after the other in a gate.
CLAIMS_IN_A_ROW = 4
#: For the way between the gate and the host, in seconds.
MARGIN_S = 60


@dataclass(frozen=True, slots=True)
class Switch:
    """One transaction's secret; the hosts know its digest."""

    token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    def words(self, host: Host) -> dict[str, Any]:
        """Return what a host is told when the transaction begins."""
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        return {"token_sha256": digest, "ttl_s": confirm_within_s(host)}


def confirm_within_s(host: Host) -> float:
    """Return how long a host holds what was applied before it puts it back, in seconds.

    Whoever deploys begins that time anew while other hosts are worked on.
    """
    gate_s = CLAIMS_IN_A_ROW * host.number("gate_within_s", GATE_WITHIN_S)
    usual = gate_s + host.number("ready_within_s", 60) + MARGIN_S
    return float(host.number("confirm_within_s", usual))
