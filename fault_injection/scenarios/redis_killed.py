"""Redis is killed and comes back from its append-only file."""

from __future__ import annotations

from fault_injection.faults import kill_redis
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="redis_killed",
    family="redis",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=kill_redis.FAULT, times=(1, 3)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
