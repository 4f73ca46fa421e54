"""A release comes with a unit file that the service manager refuses."""

from __future__ import annotations

from fault_injection.deploys.releases import UNIT_REFUSED
from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Have it deployed once."""
    return aim.deploy("deploy_release", release=UNIT_REFUSED)


FAULT = Fault(
    name="release_unit_refused",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="a deploy of a release whose unit has no ExecStart",
    observed="the deploy is rolled back, since the unit cannot be started",
    undone="by the deploy itself: it puts everything back; seen when the next one commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up"),
    by=LAPTOP,
    lasts_s=(90, 100),
)
