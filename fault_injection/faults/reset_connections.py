"""Every packet to Redis is answered with a reset, so that connections break in mid-command."""

from __future__ import annotations

from fault_injection.faults.fault import PACKETS_MET, TABLE_GONE, Aim, Fault, Words


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
    observed=PACKETS_MET,
    undone=TABLE_GONE,
    threatens=("duplicated", "lost", "recovery"),
    needs=("own network", "redis by address"),
    lasts_s=(2, 8),
)
