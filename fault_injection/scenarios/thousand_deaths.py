"""A million events, and any consumer is killed at any moment, a thousand times; Redis, too."""

from __future__ import annotations

from fault_injection.faults import kill_consumer, kill_redis, restart_redis
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="thousand_deaths",
    family="consumer",
    about=__doc__,
    workload="everything",
    per_s=750,
    uses=(
        Use(fault=kill_consumer.FAULT, times=(1_000, 1_000)),
        Use(fault=kill_redis.FAULT, times=(6, 6)),
        Use(fault=restart_redis.FAULT, times=(4, 4)),
    ),
    checkers=(*OF_DECISIONS, "bucket_totals"),
    claims=SHOWN_OF_DECISIONS,
    every_ms=1_400,
)
