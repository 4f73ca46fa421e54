"""A release gets ready and crashes: it goes back before anybody keeps it."""

from __future__ import annotations

from fault_injection.faults import release_ready_then_crash
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_ready_then_crash",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=release_ready_then_crash.FAULT),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
    faults_for_s=120,
)
