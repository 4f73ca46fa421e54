"""Redis has no memory left: nothing is acknowledged that has no effect."""

from __future__ import annotations

from fault_injection.faults import fill_redis
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="redis_full",
    family="redis",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=fill_redis.FAULT, times=(1, 2)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
