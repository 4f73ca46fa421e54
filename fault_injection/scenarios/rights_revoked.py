"""A service may do nothing in Redis for a while."""

from __future__ import annotations

from fault_injection.faults import revoke_rights
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="rights_revoked",
    family="redis",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=revoke_rights.FAULT, times=(1, 2)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
