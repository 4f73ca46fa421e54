"""The exchange throttles and fails at once: each order still has one effect, or none."""

from __future__ import annotations

from fault_injection.faults import fail_exchange, throttle_exchange
from fault_injection.scenarios.holding import OF_ORDERS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="exchange_overloaded",
    family="exchange",
    about=__doc__,
    workload="decision_made",
    per_s=3,
    uses=(
        Use(fault=throttle_exchange.FAULT, times=(1, 2)),
        Use(fault=fail_exchange.FAULT, times=(1, 2)),
    ),
    checkers=OF_ORDERS,
    claims=SHOWN_OF_DECISIONS,
)
