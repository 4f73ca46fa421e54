"""Redis answers nobody for seconds, or nobody who writes."""

from __future__ import annotations

from fault_injection.faults import pause_redis
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="redis_paused",
    family="redis",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=pause_redis.FAULT, times=(1, 3)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
