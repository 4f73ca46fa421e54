"""The laptop is cut off from a host amid its work: silence, or a reset, on the port of SSH."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Drop or reset what comes for the port."""
    act = aim.chance.one_of(("drop", "reset"))
    rule = {"hook": "input", "dport": aim.target.ssh_port, "act": act}
    return ({"do": "nft", "rules": [rule]},)


FAULT = Fault(
    name="cut_off_laptop",
    family="deploy",
    breaks=__doc__,
    words=steps,
    injected="a table of nft on the host's own SSH port",
    observed="the host sees it and writes it down; its word may arrive only afterwards",
    undone="by the host itself when its time is over: the laptop cannot",
    threatens=("all_old_or_all_new", "running_what_was_deployed", "rollback_restores", "stays_up"),
    needs=("own network",),
    lasts_s=(15, 25),
    alone=True,
)
