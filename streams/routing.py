"""What the router keeps in Redis: names, and the record of a decision that a limit refused."""

from __future__ import annotations

import json

from streams.decision_made import SOURCE, Decision
from streams.intents import REJECTED
from streams.outcomes import Outcome, flat, plain, record_fields, result

#: Defaults; the inventory's values beat them.
STREAM_DECISION_MADE = "quantum:stream:ai.decision.made"
GROUP_ROUTER = "router"

STATUS = "quantum:router:status"

#: How long an identity is remembered here, in seconds; its record lives longer.
DEDUP_TTL_S = 86_400

RATE_LIMIT = "rate_limit"
REFUSED = Outcome(REJECTED, RATE_LIMIT)


def dedup(identity: str) -> str:
    """Return the key that keeps the stream id of the intent published under an identity."""
    return f"quantum:dedup:trade_intent:{identity}"


def published(symbol: str) -> str:
    """Return the list of when a symbol's last intents were published."""
    return f"quantum:router:published:{symbol}"


def refusal(decision: Decision, entry_id: str, router: str, now_ms: int) -> str:
    """Return how a decision ends that its symbol's limit refuses, "" where no limit holds for it.

    JSON: names and values of its record in turn, and those of its execution.result entry. No limit
    holds for what reduces a risk, nor for a proof's own.
    """
    if decision.closes or decision.reduce_only or decision.canary:
        return ""
    of = {
        "identity": decision.identity,
        "trace_id": decision.trace_id,
        "correlation_id": decision.correlation_id,
        "symbol": decision.symbol,
        "side": decision.side,
        "made_ms": str(decision.made_ms),
        "notional_usd": plain(decision.notional_usd),
    }
    record = {
        **of,
        **record_fields(of, REFUSED),
        "state": REFUSED.state,
        "stream_id": "",
        "decision_id": entry_id,
        "owner": router,
        "created_ms": str(now_ms),
        "updated_ms": str(now_ms),
    }
    told = {
        **result(of, REFUSED, owner=router, now_ms=now_ms),
        "source": SOURCE,
        "decision_id": entry_id,
    }
    return json.dumps([flat(record), flat(told)])
