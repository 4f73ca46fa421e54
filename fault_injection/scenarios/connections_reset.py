"""Connections to Redis break in mid-command, again and again."""

from __future__ import annotations

from fault_injection.faults import reset_connections
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="connections_reset",
    family="network",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=reset_connections.FAULT, on=(ROUTER, EXECUTION), times=(2, 4)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
