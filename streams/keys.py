"""Names and lifetimes of what consumers keep in Redis."""

from __future__ import annotations

import time

#: Defaults; the inventory's values beat them.
STREAM_APPLY_RESULT = "quantum:stream:apply.result"
GROUP_DECISION_INTELLIGENCE = "p35_decision_intel"

STATUS = "quantum:p35:status"
UNKNOWN_DECISIONS = "quantum:p35:unknown_decision:top:5m"
ALERTS = "quantum:p35:alerts"

#: Lifetimes, in seconds.
BUCKET_TTL_S = 172_800
SNAPSHOT_TTL_S = 86_400
UNKNOWN_TTL_S = 300
HEARTBEAT_TTL_S = 10

#: How many different fields one minute's bucket may hold; what is beyond counts as `overflow`.
FIELDS_PER_BUCKET = 2_000
#: How many words unknown_decision keeps.
UNKNOWN_WORDS = 100

#: 9999-12-31T23:59 UTC: no name of a minute goes further.
LAST_MINUTE = 4_223_371_679


def minute_name(minute: int) -> str:
    """Return YYYYMMDDHHMM for minutes since the epoch, UTC, held inside 1970 to 9999."""
    return time.strftime("%Y%m%d%H%M", time.gmtime(60 * min(max(minute, 0), LAST_MINUTE)))


def bucket(minute: str) -> str:
    """Return the key of a minute named YYYYMMDDHHMM (UTC)."""
    return f"quantum:p35:bucket:{minute}"


def decision_counts(window: str) -> str:
    """Return the key of a window's decisions: 1m, 5m, 15m or 1h."""
    return f"quantum:p35:decision:counts:{window}"


def top_reasons(window: str) -> str:
    """Return the key of a window's most frequent reasons."""
    return f"quantum:p35:reason:top:{window}"


def alert_quiet(reason: str, window: str, about: str = "") -> str:
    """Return the key that keeps an alert from being repeated for a while; its value is a rank."""
    return f"quantum:p35:alert:quiet:{window}:{reason}" + (f":{about}" if about else "")


def heartbeat(group: str, consumer: str) -> str:
    """Return the key that a living consumer keeps."""
    return f"quantum:hb:{group}:{consumer}"


def dead_letters(stream: str) -> str:
    """Return the stream of what was given up on."""
    return f"{stream}:dlq"


def high_water(stream: str, group: str) -> str:
    """Return the status field with the newest id of `stream` that `group` has counted."""
    return f"high_water_id:{stream}:{group}"


def group_moved(stream: str, group: str) -> str:
    """Return the status field that says how `group` moved back; absent while all is well."""
    return f"group_moved:{stream}:{group}"
