"""Raise what the windows give cause for."""

from __future__ import annotations

from collections.abc import Mapping

from consumers.analytics import thresholds
from consumers.analytics.settings import Settings
from consumers.loop.context import Context
from streams.alerting import raise_alert


class Alerts:
    """Looks at windows that are at hand, and reads nothing more."""

    def __init__(self, context: Context[Settings]) -> None:
        self._context = context

    def look(self, totals: Mapping[str, Mapping[str, int]]) -> None:
        """Raise every alert that is not quiet; `totals`: window -> its fields, summed."""
        context = self._context
        for alert in thresholds.alerts(totals, context.settings):
            raised = raise_alert(
                context.client, alert, context.now_ms(), context.settings.alert_cooldown_s
            )
            if raised is True:
                context.log.warning("alert", **alert._asdict())
                context.metrics.add("alerts_total", severity=alert.severity)
            elif raised:
                # counting goes on: an alert that nobody hears is no reason to lose count
                context.log.error("alert cannot be raised", cause=raised, reason=alert.reason)
