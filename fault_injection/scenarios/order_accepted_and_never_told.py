"""Orders are accepted and nobody is told, while execution is killed over them."""

from __future__ import annotations

from fault_injection.faults import kill_consumer, withhold_answers
from fault_injection.faults.fault import EXECUTION
from fault_injection.scenarios.holding import OF_ORDERS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="order_accepted_and_never_told",
    family="exchange",
    about=__doc__,
    workload="decision_made",
    per_s=3,
    uses=(
        Use(fault=withhold_answers.FAULT, times=(1, 2)),
        Use(fault=kill_consumer.FAULT, on=(EXECUTION,), amid=True),
    ),
    checkers=OF_ORDERS,
    claims=SHOWN_OF_DECISIONS,
)
