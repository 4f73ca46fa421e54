"""A share of all packets between a host and its Redis is lost."""

from __future__ import annotations

from fault_injection.faults.fault import PACKETS_MET, TABLE_GONE, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Lose a share of what comes from Redis."""
    at, port, percent = aim.target.redis_host, aim.target.redis_port, aim.chance.between(5, 40)
    rule = {"hook": "input", "from": at, "sport": port, "act": "lose", "percent": percent}
    return ({"do": "nft", "rules": [rule]},)


FAULT = Fault(
    name="lose_packets",
    family="network",
    breaks=__doc__,
    words=steps,
    injected="a table of nft that drops packets by chance (numgen)",
    observed=PACKETS_MET,
    undone=TABLE_GONE,
    threatens=("latency", "recovery", "duplicated"),
    needs=("own network", "redis by address"),
    lasts_s=(8, 20),
)
