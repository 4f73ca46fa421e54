"""Thousands of results come at once, and a consumer is killed over them."""

from __future__ import annotations

from fault_injection.faults import burst_events, kill_consumer
from fault_injection.faults.fault import DECISION_INTELLIGENCE
from fault_injection.scenarios.holding import OF_RESULTS, SHOWN_OF_RESULTS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="burst_of_events",
    family="events",
    about=__doc__,
    workload="apply_result",
    per_s=100,
    uses=(
        Use(fault=burst_events.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 3)),
        Use(fault=kill_consumer.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 2)),
    ),
    checkers=OF_RESULTS,
    claims=SHOWN_OF_RESULTS,
)
