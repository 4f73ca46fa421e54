"""A consumer stands still until a peer has its work, and then goes on unawares."""

from __future__ import annotations

from fault_injection.faults import freeze_consumer
from fault_injection.faults.fault import EXECUTION, ROUTER
from fault_injection.scenarios.holding import OF_DECISIONS, SHOWN_OF_DECISIONS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="consumer_frozen",
    family="consumer",
    about=__doc__,
    workload="decision_made",
    per_s=50,
    uses=(Use(fault=freeze_consumer.FAULT, on=(EXECUTION, ROUTER), times=(1, 2), peers=True),),
    checkers=OF_DECISIONS,
    claims=SHOWN_OF_DECISIONS,
)
