"""The session of a deploy dies on the host amid the upload: all old, and nothing half."""

from __future__ import annotations

from fault_injection.faults import kill_sshd
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_sshd_killed",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=kill_sshd.FAULT, times=(1, 2)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
    faults_for_s=120,
)
