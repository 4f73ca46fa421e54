"""Redis reads and does not write, as amid a failover."""

from __future__ import annotations

from fault_injection.faults import refuse_writes
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="redis_refuses_writes",
    family="redis",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=refuse_writes.FAULT, times=(1, 2)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
