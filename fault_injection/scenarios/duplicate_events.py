"""Decisions come several times, while the router is killed: each is one trade."""

from __future__ import annotations

from fault_injection.faults import kill_consumer, repeat_events
from fault_injection.faults.fault import ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="duplicate_events",
    family="events",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(
        Use(fault=repeat_events.FAULT, times=(2, 4)),
        Use(fault=kill_consumer.FAULT, on=(ROUTER,), times=(1, 2)),
    ),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
