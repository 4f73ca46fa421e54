"""The disk becomes read-only amid a deploy: all old or all new."""

from __future__ import annotations

from fault_injection.faults import read_only_disk
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_on_read_only_disk",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=read_only_disk.FAULT, times=(1, 2)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
)
