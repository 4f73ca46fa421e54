"""Hundreds of dead names stand in a group: they go, and nobody's entries go with them."""

from __future__ import annotations

from fault_injection.faults import die_with_pending, make_ghosts
from fault_injection.faults.fault import DECISION_INTELLIGENCE
from fault_injection.scenarios.holding import OF_RESULTS, SHOWN_OF_RESULTS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="ghosts_in_the_group",
    family="groups",
    about=__doc__,
    workload="apply_result",
    per_s=100,
    uses=(
        Use(fault=make_ghosts.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 2)),
        Use(fault=die_with_pending.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 2)),
    ),
    checkers=OF_RESULTS,
    claims=SHOWN_OF_RESULTS,
)
