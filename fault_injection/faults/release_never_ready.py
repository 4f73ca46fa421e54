"""A release comes whose services run, and never say that they are ready."""

from __future__ import annotations

from fault_injection.deploys.releases import NEVER_READY
from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Have it deployed once."""
    return aim.deploy("deploy_release", release=NEVER_READY)


FAULT = Fault(
    name="release_never_ready",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="a deploy of a release whose consumers send no READY",
    observed="the deploy is rolled back, since a unit did not get there in time",
    undone="by the deploy itself: it puts everything back; seen when the next one commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up"),
    by=LAPTOP,
    lasts_s=(90, 100),
)
