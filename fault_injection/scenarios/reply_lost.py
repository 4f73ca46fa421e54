"""A command had its effect, and the consumer never hears of it."""

from __future__ import annotations

from fault_injection.faults import lose_reply
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="reply_lost",
    family="network",
    about=__doc__,
    workload="decision_made",
    per_s=20,
    uses=(Use(fault=lose_reply.FAULT, times=(2, 3)),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
