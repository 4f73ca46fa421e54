"""Run the router, which makes one trade.intent of each new decision, as one hardened unit."""

from __future__ import annotations

from roles.redis_users import Grant, Names
from roles.stream_consumer import CONFINED, EFFECTIVE, StreamConsumer


def _beyond(names: Names) -> tuple[Grant, ...]:
    """Return what routing needs: intents and refusals go out, identities are remembered."""
    dedup, records = "quantum:dedup:trade_intent:*", "quantum:intent:*"
    return (
        Grant(("type", "xadd"), (names["stream_trade_intent"], names["stream_execution_result"])),
        Grant(("exists",), (dedup, records)),
        Grant(("get", "set"), (dedup,)),
        Grant(("hmget", "hset", "expire"), (records,)),
        Grant(("type", "lindex", "rpush", "ltrim", "pexpire"), ("quantum:router:published:*",)),
    )


ROLE = StreamConsumer(
    name="strategy_router",
    service="ai-strategy-router",
    description="strategy router",
    READS=("stream_decision_made", "group_router"),
    own={
        "stream_decision_made": "quantum:stream:ai.decision.made",
        "group_router": "router",
        "stream_trade_intent": "quantum:stream:trade.intent",
        "stream_execution_result": "quantum:stream:execution.result",
        "dedup_ttl_s": 86_400,
        "rate_limit_per_symbol": 0,  #: intents in any window; 0: any number
        "rate_limit_window_s": 60,
    },
    status="quantum:router:status",
    beyond=_beyond,
    positive=("dedup_ttl_s", "rate_limit_window_s"),
    PROOFS=(*EFFECTIVE, "nothing_lost_nothing_doubled", CONFINED),
    GATE=EFFECTIVE,
)
