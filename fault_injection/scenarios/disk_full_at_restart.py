"""A consumer dies while its release's disk is full, and comes back when there is room."""

from __future__ import annotations

from fault_injection.faults import fill_disk, kill_consumer
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="disk_full_at_restart",
    family="host",
    about=__doc__,
    workload="decision_made",
    per_s=20,
    uses=(
        Use(fault=fill_disk.FAULT, on=(ROUTER, EXECUTION)),
        Use(fault=kill_consumer.FAULT, on=(ROUTER, EXECUTION), times=(1, 2), amid=True),
    ),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
