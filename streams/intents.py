"""What is kept of an intent: its states, which may follow which, its keys and its order ids.

Pure. The fields of the record, of execution.result and of an alert are written by begin.lua,
finish.lua, route.lua and resolve.lua; their names are listed in docs/streams.md.
"""

from __future__ import annotations

import hashlib

CLAIMED, SUBMITTING = "CLAIMED", "SUBMITTING"
FILLED, REJECTED, FAILED = "FILLED", "REJECTED", "FAILED"
EXPIRED, DRAINED, UNKNOWN = "EXPIRED", "DRAINED", "UNKNOWN"

#: Nothing follows them. UNKNOWN is none of them: a person, or the exchange's word, ends it.
TERMINAL = frozenset({FILLED, REJECTED, FAILED, EXPIRED, DRAINED})
STATES = TERMINAL | {CLAIMED, SUBMITTING, UNKNOWN}
#: How UNKNOWN can be resolved.
RESOLUTIONS = frozenset({FILLED, REJECTED, FAILED})

#: state -> what may follow; "" is an intent that has no record yet. Only on paper, where nothing
#: leaves, is one FILLED by the script that begins it.
FOLLOWING: dict[str, frozenset[str]] = {
    "": frozenset({CLAIMED, SUBMITTING, FILLED, REJECTED, EXPIRED, DRAINED}),
    CLAIMED: frozenset({SUBMITTING, REJECTED, FAILED, EXPIRED, DRAINED}),
    SUBMITTING: frozenset({FILLED, REJECTED, FAILED, EXPIRED, DRAINED, UNKNOWN}),
    UNKNOWN: RESOLUTIONS,
    **{state: frozenset() for state in TERMINAL},
}

#: What an identity's orders are: the entry (or the close), its stop loss, its take profit.
ENTRY, STOP_LOSS, TAKE_PROFIT = "entry", "stop_loss", "take_profit"
LEGS = (ENTRY, STOP_LOSS, TAKE_PROFIT)
#: The exchange takes 36 characters of [A-Za-z0-9_-].
CLIENT_ORDER_ID_CHARS = 36

STREAM_TRADE_INTENT = "quantum:stream:trade.intent"
GROUP_EXECUTION = "quantum:group:execution:trade.intent"
STREAM_EXECUTION_RESULT = "quantum:stream:execution.result"
STREAM_APPLY_RESULT = "quantum:stream:apply.result"

STATUS = "quantum:execution:status"
KILL_SWITCH = "quantum:trading:kill_switch"
#: What START_AT=new passed over.
SKIPPED = "quantum:execution:skipped"
#: hash: `position:<S>` in signed 1e-8 base units, `inflight:<S>` in 1e-6 USD: what unsettled orders
#: hold in reserve.
EXPOSURE = "quantum:execution:exposure"
#: set of symbols with a position or with something in flight.
OPEN_SYMBOLS = "quantum:execution:open"
#: hash: second -> orders sent in it, of the last minute.
ORDER_RATE = "quantum:execution:rate"
#: hash: symbol -> the leverage that the exchange has confirmed.
LEVERAGE = "quantum:execution:leverage"
#: zset: identity -> when its protective orders are to be looked at next (ms).
PROTECTED = "quantum:execution:protected"

RECORD_PREFIX = "quantum:intent:"
#: A record lives so long after its terminal state, in seconds; one that is not settled has no end.
RECORD_TTL_S = 604_800


def record(identity: str) -> str:
    """Return the key of an intent's record."""
    return f"{RECORD_PREFIX}{identity}"


def standing(consumer: str) -> str:
    """Return the key of one process's status."""
    return f"{STATUS}:{consumer}"


def protected_of(symbol: str) -> str:
    """Return the key of the set of identities whose protective orders rest on a symbol."""
    return f"{PROTECTED}:{symbol}"


def may_follow(state: str, following: str) -> bool:
    """Tell whether `following` may come after `state` ("" for no record)."""
    return following in FOLLOWING.get(state, frozenset())


def client_order_id(identity: str, leg: str = ENTRY) -> str:
    """Return the id of an order: the same for the same identity and leg, for ever.

    Raises KeyError for a leg that is none.
    """
    mark = {ENTRY: "e", STOP_LOSS: "s", TAKE_PROFIT: "t"}[leg]
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    return f"q{mark}-{digest[:32]}"
