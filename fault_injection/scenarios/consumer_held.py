"""Decision intelligence is down for a while, and catches up."""

from __future__ import annotations

from fault_injection.faults import hold_consumer
from fault_injection.faults.fault import DECISION_INTELLIGENCE
from fault_injection.scenarios.holding import OF_RESULTS, SHOWN_OF_RESULTS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="consumer_held",
    family="consumer",
    about=__doc__,
    workload="apply_result",
    per_s=200,
    uses=(Use(fault=hold_consumer.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 2)),),
    checkers=OF_RESULTS,
    claims=SHOWN_OF_RESULTS,
)
