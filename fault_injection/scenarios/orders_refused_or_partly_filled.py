"""Orders are refused, or find a taker for one half: what is told is what was filled."""

from __future__ import annotations

from fault_injection.faults import fill_in_part, refuse_orders
from fault_injection.scenarios.holding import OF_ORDERS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="orders_refused_or_partly_filled",
    family="exchange",
    about=__doc__,
    workload="decision_made",
    per_s=3,
    uses=(
        Use(fault=refuse_orders.FAULT, times=(1, 2)),
        Use(fault=fill_in_part.FAULT, times=(1, 2)),
    ),
    checkers=OF_ORDERS,
    claims=SHOWN_OF_DECISIONS,
)
