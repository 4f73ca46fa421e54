"""A release never gets ready: it goes back, and what ran before runs again."""

from __future__ import annotations

from fault_injection.faults import release_never_ready
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_never_ready",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=release_never_ready.FAULT),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
    faults_for_s=120,
)
