"""What a host says reaches Redis, and no answer comes back: a partition in one direction."""

from __future__ import annotations

from fault_injection.faults.fault import PACKETS_MET, TABLE_GONE, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Drop what comes from Redis."""
    at, port = aim.target.redis_host, aim.target.redis_port
    rule = {"hook": "input", "from": at, "sport": port, "act": "drop"}
    return ({"do": "nft", "rules": [rule]},)


FAULT = Fault(
    name="drop_replies",
    family="network",
    breaks=__doc__,
    words=steps,
    injected="a table of nft that drops packets from the port",
    observed=PACKETS_MET,
    undone=TABLE_GONE,
    threatens=("duplicated", "conservation", "recovery"),
    needs=("own network", "redis by address"),
    lasts_s=(4, 15),
)
