"""The laptop is cut off amid a deploy: all old or all new, and the host settles it alone."""

from __future__ import annotations

from fault_injection.faults import cut_off_laptop
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_cut_off",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=cut_off_laptop.FAULT, times=(1, 2)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
)
