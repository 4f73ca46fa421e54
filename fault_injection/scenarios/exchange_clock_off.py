"""The exchange's clock runs away from ours and comes back: orders wait, and none is doubled."""

from __future__ import annotations

from fault_injection.faults import skew_exchange_clock
from fault_injection.scenarios.holding import OF_ORDERS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="exchange_clock_off",
    family="exchange",
    about=__doc__,
    workload="decision_made",
    per_s=3,
    uses=(Use(fault=skew_exchange_clock.FAULT, times=(1, 2)),),
    checkers=OF_ORDERS,
    claims=SHOWN_OF_DECISIONS,
)
