"""The network between consumers and Redis loses packets."""

from __future__ import annotations

from fault_injection.faults import lose_packets
from fault_injection.faults.fault import DECISION_INTELLIGENCE
from fault_injection.scenarios.holding import OF_RESULTS, SHOWN_OF_RESULTS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="packets_lost",
    family="network",
    about=__doc__,
    workload="apply_result",
    per_s=100,
    uses=(Use(fault=lose_packets.FAULT, on=(DECISION_INTELLIGENCE,), times=(1, 2)),),
    checkers=OF_RESULTS,
    claims=SHOWN_OF_RESULTS,
)
