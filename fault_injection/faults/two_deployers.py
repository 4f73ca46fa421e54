"""Two laptops deploy at once, each a release of its own."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Start another deploy amid one."""
    return aim.deploy("deploy_too", at_percent=aim.chance.between(0, 60))


FAULT = Fault(
    name="two_deployers",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="a second invoke deploy, of a third release, amid the first one",
    observed="one of them is told who holds the host",
    undone="nothing stays behind; seen when the next deploy commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed"),
    by=LAPTOP,
    lasts_s=(30, 40),
)
