"""A host is cut off from Redis past its heartbeats: peers take over, and it comes back."""

from __future__ import annotations

from fault_injection.faults import cut_off_redis
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="cut_off_from_redis",
    family="network",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=cut_off_redis.FAULT, on=(ROUTER, EXECUTION), times=(1, 2), peers=True),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
