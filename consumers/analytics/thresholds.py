"""Which windows give which alerts. Pure.

A gate is a reason other than `none`: its share is of the events that have one. "For 15 minutes"
means the share in the 15m window: what is so in its sum. A service that was quiet before is judged
by what there is, once that is enough.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from consumers.analytics.settings import Settings
from streams import windows
from streams.alerting import Alert
from streams.apply_result import NO_REASON

#: Where gates are looked at.
GATES_OVER = "5m"


class _Bound(NamedTuple):
    """A share of one decision among all, beyond which there is an alert."""

    decision: str
    beyond: Callable[[float, float], bool]
    setting: Callable[[Settings], float]
    window: str
    severity: str


_BOUNDS = (
    _Bound("EXECUTE", operator.lt, lambda of: of.alert_execute_min, "15m", "HIGH"),
    _Bound("SKIP", operator.gt, lambda of: of.alert_skip_max, "15m", "MEDIUM"),
    _Bound("BLOCKED", operator.gt, lambda of: of.alert_blocked_max, "15m", "HIGH"),
    _Bound("ERROR", operator.gt, lambda of: of.alert_error_max, "5m", "CRITICAL"),
)


def alerts(totals: Mapping[str, Mapping[str, int]], limits: Settings) -> Iterator[Alert]:
    """Yield what is wrong; `totals`: window -> the fields of its buckets, summed."""
    yield from _gates(windows.reasons(totals[GATES_OVER]), limits)
    for bound in _BOUNDS:
        counts = windows.decisions(totals[bound.window])
        total, count = sum(counts.values()), counts.get(bound.decision, 0)
        if total < limits.alert_min_events or not bound.beyond(
            count / total, bound.setting(limits)
        ):
            continue
        yield Alert(bound.window, f"decision:{bound.decision}", bound.severity, count, total)


def _gates(counts: Mapping[str, int], limits: Settings) -> Iterator[Alert]:
    gates = {reason: count for reason, count in counts.items() if reason != NO_REASON}
    total = sum(gates.values())
    if total < limits.alert_min_events:
        return
    for reason, count in sorted(gates.items(), key=lambda each: (-each[1], each[0])):
        severity = _severity(count / total, limits)
        if severity:
            yield Alert(GATES_OVER, reason, severity, count, total)


def _severity(share: float, limits: Settings) -> str:
    if share >= limits.alert_critical:
        return "CRITICAL"
    if share >= limits.alert_high:
        return "HIGH"
    return "MEDIUM" if share >= limits.alert_medium else ""
