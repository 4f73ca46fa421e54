"""A host and its Redis are cut off from each other, in both directions."""

from __future__ import annotations

from fault_injection.faults.fault import PACKETS_MET, TABLE_GONE, Aim, Fault, Words


def steps(aim: Aim) -> Words:
    """Drop what goes to Redis, and what comes from it."""
    to, port = aim.target.redis_host, aim.target.redis_port
    return (
        {"do": "nft", "rules": [
            {"hook": "output", "to": to, "dport": port, "act": "drop"},
            {"hook": "input", "from": to, "sport": port, "act": "drop"},
        ]},
    )  # fmt: skip


FAULT = Fault(
    name="cut_off_redis",
    family="network",
    breaks=__doc__,
    words=steps,
    injected="a table of nft that drops packets of the port",
    observed=PACKETS_MET,
    undone=TABLE_GONE,
    threatens=("duplicated", "claims_from_the_dead", "one_terminal_state", "recovery"),
    needs=("own network", "redis by address"),
    # beyond the heartbeat, so that peers take over what the cut-off one still works on
    lasts_s=(12, 20),
)
