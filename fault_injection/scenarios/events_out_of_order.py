"""Results come late, after later ones: each still counts in its own minute."""

from __future__ import annotations

from fault_injection.faults import disorder_events
from fault_injection.faults.fault import DECISION_INTELLIGENCE
from fault_injection.scenarios.holding import OF_RESULTS, SHOWN_OF_RESULTS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="events_out_of_order",
    family="events",
    about=__doc__,
    workload="apply_result",
    per_s=200,
    uses=(Use(fault=disorder_events.FAULT, on=(DECISION_INTELLIGENCE,), times=(2, 4)),),
    checkers=OF_RESULTS,
    claims=SHOWN_OF_RESULTS,
)
