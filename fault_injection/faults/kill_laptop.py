"""The laptop dies amid a deploy: all of its processes are killed at once."""

from __future__ import annotations

from fault_injection.faults.fault import LAPTOP, Aim, Fault, Words


def acts(aim: Aim) -> Words:
    """Kill one deploy at a share of the time that one takes."""
    return aim.deploy("kill_laptop", at_percent=aim.chance.between(5, 95))


FAULT = Fault(
    name="kill_laptop",
    family="deploy",
    breaks=__doc__,
    words=acts,
    injected="SIGKILL to the processes of an invoke deploy, after a share of its usual time",
    observed="it ended by that signal, and told nobody how",
    undone="by the hosts: what was not committed goes back; seen when the next deploy commits",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "stays_up"),
    by=LAPTOP,
    lasts_s=(30, 40),
)
