"""Two deploy at once: one of them wins, and the other one is told who."""

from __future__ import annotations

from fault_injection.faults import two_deployers
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_by_two",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=two_deployers.FAULT, times=(1, 2)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
    faults_for_s=120,
)
