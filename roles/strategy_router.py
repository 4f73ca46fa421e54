"""Run the router, which makes one trade.intent of each new decision, as one hardened unit."""

from __future__ import annotations

from roles.stream_consumer import CONFINED, EFFECTIVE, StreamConsumer

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
    positive=("dedup_ttl_s", "rate_limit_window_s"),
    PROOFS=(*EFFECTIVE, "nothing_lost_nothing_doubled", CONFINED),
    GATE=EFFECTIVE,
)
