"""Raise an alert: once for a while, whoever raises it, and again at once when it becomes graver."""

from __future__ import annotations

from typing import Any, NamedTuple

from streams import keys, scripting

#: From the mildest on.
SEVERITIES = ("MEDIUM", "HIGH", "CRITICAL")
#: About so many alerts are kept.
MOST = 1_000
#: For how long an alert is not repeated, in seconds, where no setting says otherwise.
QUIET_S = 300


class Alert(NamedTuple):
    """What is wrong: `score` of `total` events of a window."""

    window: str  #: 1m, 5m, 15m, 1h; "now" for what is no matter of a window
    reason: str
    severity: str
    score: int = 1
    total: int = 1
    about: str = ""  #: which thing, where several can have the same trouble at once
    detail: str = ""


def group_moved(stream: str, group: str, how: str) -> Alert:
    """Return the alert that a group is gone or was set back."""
    return Alert("now", "group_moved", "CRITICAL", about=f"{stream}:{group}", detail=how)


def fields(alert: Alert, now_ms: int, quiet_s: int = QUIET_S) -> dict[str, str]:
    """Return the entry of an alert.

    Its alert_id is the same for the same alert within one period of quiet, so that whoever hears of
    it twice (after a Redis that lost its newest writes) can tell.
    """
    parts = (alert.reason, alert.window, alert.about, alert.severity, now_ms // (1000 * quiet_s))
    said = {
        "window": alert.window,
        "reason": alert.reason,
        "score": str(alert.score),
        "total": str(alert.total),
        "share": f"{alert.score / alert.total:.4f}",
        "timestamp": f"{now_ms / 1000:.3f}",
        "severity": alert.severity,
        "alert_id": ":".join(str(part) for part in parts if part != ""),
    }
    more = {"about": alert.about, "detail": alert.detail}
    return said | {name: text for name, text in more.items() if text}


def raise_alert(client: Any, alert: Alert, now_ms: int, quiet_s: int = QUIET_S) -> bool | str:
    """Raise an alert and return True; False where it is quiet; else what keeps it from being heard.

    redis-py's errors pass through; repeating it after one is harmless.
    """
    said = [word for pair in fields(alert, now_ms, quiet_s).items() for word in pair]
    answer = scripting.run(
        client,
        "alert",
        [keys.ALERTS, keys.alert_quiet(alert.reason, alert.window, alert.about)],
        [SEVERITIES.index(alert.severity) + 1, quiet_s, MOST, *said],
    )
    match answer:
        case ["RAISED", _]:
            return True
        case ["QUIET"]:
            return False
        case ["SPOILED", key, why]:
            return f"{key}: {why}"
        case other:
            raise AssertionError(f"alert.lua gave {other}")
