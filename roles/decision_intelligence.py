"""Run the P3.5 analytics of apply results as one hardened unit."""

from __future__ import annotations

from roles.redis_users import Grant, Names
from roles.stream_consumer import CONFINED, EFFECTIVE, StreamConsumer


def _beyond(names: Names) -> tuple[Grant, ...]:
    """Return what counting and its windows need; a backlog is counted by moving the group on."""
    return (
        Grant(("xgroup|setid",), (names["stream_apply_result"],)),
        Grant(
            ("type", "hget", "hmget", "hgetall", "hlen", "hincrby", "expire"),
            ("quantum:p35:bucket:*",),
        ),
        Grant(
            ("type", "zincrby", "zremrangebyrank", "expire"),
            ("quantum:p35:unknown_decision:top:5m",),
        ),
        Grant(("del", "hset", "expire"), ("quantum:p35:decision:counts:*",)),
        Grant(("del", "zadd", "expire"), ("quantum:p35:reason:top:*",)),
    )


ROLE = StreamConsumer(
    name="decision_intelligence",
    service="p35-decision-intelligence",
    description="decision intelligence (P3.5)",
    READS=("stream_apply_result", "group_decision_intelligence"),
    own={
        "stream_apply_result": "quantum:stream:apply.result",
        "group_decision_intelligence": "p35_decision_intel",
        "enable_symbol_breakdown": True,
        "snapshot_interval_s": 60,
        "alert_medium": 0.4,
        "alert_high": 0.6,
        "alert_critical": 0.8,
        "alert_execute_min": 0.2,
        "alert_skip_max": 0.7,
        "alert_blocked_max": 0.4,
        "alert_error_max": 0.1,
        "alert_cooldown_s": 300,
        "alert_min_events": 100,
    },
    status="quantum:p35:status",
    beyond=_beyond,
    positive=("snapshot_interval_s", "alert_min_events"),
    PROOFS=(*EFFECTIVE, "nothing_lost_nothing_doubled", CONFINED),
    #: What must be proved before a deploy is committed: what the past cannot spoil.
    GATE=EFFECTIVE,
    #: The users' own limits for this service.
    memory_max="256M",
    cpu_quota="20%",
)
