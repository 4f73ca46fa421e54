"""Which windows give which alerts, and which give none."""

import pytest

from consumers.analytics.settings import Settings
from consumers.analytics.thresholds import alerts
from consumers.loop.failing import StartError
from consumers.loop.settings import read
from streams.windows import WINDOWS

LIMITS = read(Settings, {"CONSUMER_NAME": "one"})


def found(limits=LIMITS, **totals):
    """Return (window, reason, severity, score, total) of windows given as w5m={field: count}."""
    given = {name: totals.get(f"w{name}", {}) for name in WINDOWS}
    return [each[:5] for each in alerts(given, limits)]


def gates(**counts):
    return {f"reason:{reason}": count for reason, count in counts.items()}


def decisions(**counts):
    return {f"decision:{decision}": count for decision, count in counts.items()}


@pytest.mark.parametrize(
    ("counts", "severity"),
    [
        ({"a": 39, "b": 30, "c": 31}, ""),
        ({"a": 40, "b": 30, "c": 30}, "MEDIUM"),
        ({"a": 59, "b": 21, "c": 20}, "MEDIUM"),
        ({"a": 60, "b": 20, "c": 20}, "HIGH"),
        ({"a": 79, "b": 21}, "HIGH"),
        ({"a": 80, "b": 20}, "CRITICAL"),
        ({"a": 100}, "CRITICAL"),
        ({"a": 399_999, "b": 300_000, "c": 300_001}, ""),
        ({"a": 400_000, "b": 300_000, "c": 300_000}, "MEDIUM"),
    ],
)
def test_a_gate_s_share_says_how_grave_it_is(counts, severity):
    total = sum(counts.values())
    wanted = [("5m", "a", severity, counts["a"], total)] if severity else []
    assert found(w5m=gates(**counts)) == wanted


def test_below_a_hundred_events_with_a_reason_there_is_no_gate():
    assert found(w5m=gates(a=99)) == []
    assert found(w5m=gates(a=99, none=100_000)) == []
    assert found(w5m=gates(a=100)) == [("5m", "a", "CRITICAL", 100, 100)]


def test_events_without_a_reason_are_no_gate_and_in_no_share():
    assert found(w5m=gates(none=900, a=40, b=30, c=30)) == [("5m", "a", "MEDIUM", 40, 100)]


def test_every_gate_beyond_its_threshold_alerts_not_the_first_alone():
    assert found(w5m=gates(b=45, a=45, c=10)) == [
        ("5m", "a", "MEDIUM", 45, 100),
        ("5m", "b", "MEDIUM", 45, 100),
    ]


@pytest.mark.parametrize("window", ["w1m", "w15m", "w1h"])
def test_gates_are_looked_at_over_five_minutes_alone(window):
    assert found(**{window: gates(a=1_000)}) == []


HEALTHY = {"EXECUTE": 400, "SKIP": 400, "BLOCKED": 150, "ERROR": 25, "UNKNOWN": 25}


@pytest.mark.parametrize(
    ("window", "counts", "wanted"),
    [
        ("15m", HEALTHY, None),
        ("5m", HEALTHY, None),
        ("15m", {"EXECUTE": 20, "SKIP": 60, "UNKNOWN": 20}, None),
        ("15m", {"EXECUTE": 19, "SKIP": 60, "UNKNOWN": 21}, ("EXECUTE", "HIGH", 19)),
        ("15m", {"SKIP": 60, "UNKNOWN": 40}, ("EXECUTE", "HIGH", 0)),
        ("15m", {"EXECUTE": 30, "SKIP": 70}, None),
        ("15m", {"EXECUTE": 29, "SKIP": 71}, ("SKIP", "MEDIUM", 71)),
        ("15m", {"EXECUTE": 60, "BLOCKED": 40}, None),
        ("15m", {"EXECUTE": 59, "BLOCKED": 41}, ("BLOCKED", "HIGH", 41)),
        ("15m", {"EXECUTE": 59, "ERROR": 41}, None),
        ("5m", {"EXECUTE": 90, "ERROR": 10}, None),
        ("5m", {"EXECUTE": 89, "ERROR": 11}, ("ERROR", "CRITICAL", 11)),
        ("5m", {"SKIP": 95, "ERROR": 5}, None),
        ("15m", {"SKIP": 99}, None),
        ("5m", {"ERROR": 99}, None),
        ("5m", {"ERROR": 100}, ("ERROR", "CRITICAL", 100)),
    ],
)
def test_a_decision_s_share_of_all_alerts_beyond_its_bound(window, counts, wanted):
    total = sum(counts.values())
    alert = [(window, f"decision:{wanted[0]}", wanted[1], wanted[2], total)] if wanted else []
    assert found(**{f"w{window}": decisions(**counts)}) == alert


def test_thresholds_are_settings():
    limits = read(
        Settings,
        {
            "ALERT_MEDIUM": "0.1", "ALERT_HIGH": "0.1", "ALERT_CRITICAL": "0.5",
            "ALERT_MIN_EVENTS": "10", "ALERT_EXECUTE_MIN": "0", "ALERT_SKIP_MAX": "0.95",
        },
    )  # fmt: skip
    assert found(limits, w5m=gates(a=1, b=9)) == [
        ("5m", "b", "CRITICAL", 9, 10),
        ("5m", "a", "HIGH", 1, 10),
    ]
    assert found(limits, w15m=decisions(SKIP=19, UNKNOWN=1)) == []
    assert found(limits, w15m=decisions(SKIP=20))[0][:3] == ("15m", "decision:SKIP", "MEDIUM")


@pytest.mark.parametrize(
    "given",
    [
        {"ALERT_MEDIUM": "0.7"},
        {"ALERT_CRITICAL": "0.5"},
        {"ALERT_MEDIUM": "0.9", "ALERT_HIGH": "0.95", "ALERT_CRITICAL": "0.91"},
    ],
)
def test_severities_in_no_order_are_refused_at_the_start(given):
    with pytest.raises(StartError, match="ALERT_MEDIUM <= ALERT_HIGH <= ALERT_CRITICAL is wanted"):
        read(Settings, given)


@pytest.mark.parametrize("given", [{"ALERT_COOLDOWN_S": "0"}, {"ALERT_ERROR_MAX": "1.1"}])
def test_a_setting_out_of_its_range_is_refused_at_the_start(given):
    with pytest.raises(StartError, match=next(iter(given))):
        read(Settings, given)
