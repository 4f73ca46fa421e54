"""A consumer died with entries in its hands: a living peer takes each of them over, once."""

from __future__ import annotations

from fault_injection.faults import die_with_pending, kill_consumer
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="stale_pending_claims",
    family="groups",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(
        Use(fault=die_with_pending.FAULT, on=(ROUTER, EXECUTION), times=(1, 3)),
        Use(fault=kill_consumer.FAULT, on=(ROUTER, EXECUTION), times=(1, 2)),
    ),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
