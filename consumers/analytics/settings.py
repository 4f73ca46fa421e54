"""The settings of decision intelligence."""

from __future__ import annotations

from dataclasses import dataclass

from consumers.loop import settings
from consumers.loop.parsing import name, number, seconds, truth
from consumers.loop.settings import setting
from streams import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(settings.Settings):
    """What decision intelligence needs to know beside what every consumer does."""

    stream_apply_result: str = setting(keys.STREAM_APPLY_RESULT, name)
    group_decision_intelligence: str = setting(keys.GROUP_DECISION_INTELLIGENCE, name)
    enable_symbol_breakdown: bool = setting("true", truth)
    snapshot_interval_s: float = setting("60", seconds(0.1, 3_600))
    alert_medium: float = setting("0.4", seconds(0, 1))
    alert_high: float = setting("0.6", seconds(0, 1))
    alert_critical: float = setting("0.8", seconds(0, 1))
    alert_cooldown_s: int = setting("300", number(1, 86_400))
    alert_min_events: int = setting("100", number(1, 1_000_000_000))
    #: shares of all decisions; what is outside alerts
    alert_execute_min: float = setting("0.2", seconds(0, 1))
    alert_skip_max: float = setting("0.7", seconds(0, 1))
    alert_blocked_max: float = setting("0.4", seconds(0, 1))
    alert_error_max: float = setting("0.1", seconds(0, 1))

    def refuse(self) -> str:
        """Return that the severities stand in no order, "" where they do."""
        if self.alert_medium <= self.alert_high <= self.alert_critical:
            return ""
        return (
            "ALERT_MEDIUM <= ALERT_HIGH <= ALERT_CRITICAL is wanted, not "
            f"{self.alert_medium:g}, {self.alert_high:g}, {self.alert_critical:g}"
        )
