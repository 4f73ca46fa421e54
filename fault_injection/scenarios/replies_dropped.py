"""What is said to Redis arrives, and no answer does."""

from __future__ import annotations

from fault_injection.faults import drop_replies
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="replies_dropped",
    family="network",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=drop_replies.FAULT, on=(ROUTER, EXECUTION), times=(1, 3)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
