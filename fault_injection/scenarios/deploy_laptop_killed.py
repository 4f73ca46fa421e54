"""The laptop dies amid a deploy, at any step: all old or all new, and no host waits for it."""

from __future__ import annotations

from fault_injection.faults import kill_laptop
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_laptop_killed",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=kill_laptop.FAULT, times=(1, 3)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
    faults_for_s=150,
)
