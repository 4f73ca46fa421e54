"""Execution dies amid an intent, at one of its named points, and starts again, repeatedly."""

from __future__ import annotations

from fault_injection.faults import kill_at_failpoint
from fault_injection.faults.fault import EXECUTION
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="restart_mid_intent",
    family="consumer",
    about=__doc__,
    workload="decision_made",
    per_s=20,
    uses=(Use(fault=kill_at_failpoint.FAULT, on=(EXECUTION,), times=(2, 3)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
