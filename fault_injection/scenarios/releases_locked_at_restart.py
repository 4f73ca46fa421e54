"""A consumer dies while only root may read its release, and comes back afterwards."""

from __future__ import annotations

from fault_injection.faults import flip_permission, kill_consumer
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="releases_locked_at_restart",
    family="host",
    about=__doc__,
    workload="decision_made",
    per_s=20,
    uses=(
        Use(fault=flip_permission.FAULT, on=(ROUTER, EXECUTION)),
        Use(fault=kill_consumer.FAULT, on=(ROUTER, EXECUTION), times=(1, 2), amid=True),
    ),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
