"""A release comes whose services get ready, and then crash, at each start."""

from __future__ import annotations

from fault_injection.deploys.releases import READY_THEN_CRASH
from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Have it deployed once."""
    return aim.deploy("deploy_release", release=READY_THEN_CRASH)


FAULT = Fault(
    name="release_ready_then_crash",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="a deploy of a release whose consumers exit shortly after their READY",
    observed="the deploy is rolled back, by its gate or before",
    undone="by the deploy itself: it puts everything back; seen when the next one commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up"),
    by=LAPTOP,
    lasts_s=(90, 100),
)
