"""Somebody changes a unit by hand between deploys: the next one stops and says so."""

from __future__ import annotations

from fault_injection.faults import drift_by_hand
from fault_injection.scenarios.holding import OF_DEPLOYS, SHOWN_OF_DEPLOYS
from fault_injection.scenarios.scenario import Scenario, Use

SCENARIO = Scenario(
    name="deploy_over_drift",
    family="deploy",
    about=__doc__,
    workload="deploys",
    per_s=20,
    uses=(Use(fault=drift_by_hand.FAULT, times=(1, 2)),),
    checkers=OF_DEPLOYS,
    claims=SHOWN_OF_DEPLOYS,
)
