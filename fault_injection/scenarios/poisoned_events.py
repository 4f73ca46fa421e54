"""Entries that nobody can read come between good ones: dead letters, and nothing stops."""

from __future__ import annotations

from fault_injection.faults import poison_events
from fault_injection.faults.fault import ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="poisoned_events",
    family="events",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=poison_events.FAULT, on=(ROUTER,), times=(2, 4)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
