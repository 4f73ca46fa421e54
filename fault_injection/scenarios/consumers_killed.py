"""Any consumer is killed at any moment."""

from __future__ import annotations

from fault_injection.faults import kill_consumer
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="consumers_killed",
    family="consumer",
    about=__doc__,
    workload="decision_made",
    per_s=100,
    uses=(Use(fault=kill_consumer.FAULT, on=(ROUTER, EXECUTION), times=(3, 6)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
