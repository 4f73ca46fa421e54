"""A unit's command fails at every start for a while: nothing is lost, and it comes back."""

from __future__ import annotations

from fault_injection.faults import break_unit
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="unit_broken",
    family="deploy",
    about=__doc__,
    workload="decision_made",
    per_s=20,
    uses=(Use(fault=break_unit.FAULT, on=(ROUTER, EXECUTION)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
