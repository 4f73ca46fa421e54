"""Every packet to Redis is answered with a reset, so that connections break in mid-command."""

from __future__ import annotations

from fault_injection.faults.fault import Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Answer what goes to Redis with a reset."""
    to, port = aim.target.redis_host, aim.target.redis_port
    rule = {"hook": "output", "to": to, "dport": port, "act": "reset"}
    return ({"do": "nft", "rules": [rule]},)


FAULT = Fault(
    name="reset_connections",
    family="network",
    breaks=__doc__,
    words=steps,
    injected="a table of nft that rejects with a TCP reset",
    observed="the table is there, and its counter tells how many packets it met",
    undone="the table is deleted as a whole",
    threatens=("duplicated", "lost", "recovery"),
    needs=("own network", "redis by address"),
    lasts_s=(2, 8),
)
