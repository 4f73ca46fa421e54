"""Alerts in Redis: raised once, again when they become graver, and the stream cut with care."""

import threading
import time

import pytest

from consumers.analytics.alerting import Alerts
from consumers.analytics.settings import Settings
from consumers.decision_intelligence import place
from streams import alerting, keys
from streams.alerting import Alert, raise_alert
from tests.consumers.running import STATUS
from tests.contexts import context
from tests.waiting import until

NOW_MS = 1766602892766
MILD = Alert("5m", "no_position", "MEDIUM", 40, 100)
GRAVE = MILD._replace(severity="CRITICAL", score=80)
GROUP = "quantum:group:alert_relay"


def raised(client):
    return [fields for _, fields in client.xrange(keys.ALERTS)]


def test_an_alert_has_the_fields_of_the_contract(client):
    assert raise_alert(client, MILD, NOW_MS) is True
    assert raised(client) == [
        {
            "window": "5m", "reason": "no_position", "score": "40", "total": "100",
            "share": "0.4000", "timestamp": "1766602892.766", "severity": "MEDIUM",
            "alert_id": "no_position:5m:MEDIUM:5888676",
        }
    ]  # fmt: skip


def test_the_same_alert_is_raised_once_in_its_cooldown_whoever_raises_it(server, client):
    assert raise_alert(client, MILD, NOW_MS, 120) is True
    assert 0 < client.ttl(keys.alert_quiet("no_position", "5m")) <= 120
    with server.client() as other:
        assert raise_alert(other, MILD, NOW_MS + 1, 120) is False
    assert len(raised(client)) == 1


def test_after_its_cooldown_it_is_raised_again(client):
    raise_alert(client, MILD, NOW_MS)
    client.pexpire(keys.alert_quiet("no_position", "5m"), 1)
    until(lambda: raise_alert(client, MILD, NOW_MS + 300_000))
    one, two = raised(client)
    assert one["alert_id"] != two["alert_id"]


def test_another_reason_or_window_has_a_cooldown_of_its_own(client):
    raise_alert(client, MILD, NOW_MS)
    assert raise_alert(client, MILD._replace(reason="other"), NOW_MS) is True
    assert raise_alert(client, MILD._replace(window="15m"), NOW_MS) is True
    assert raise_alert(client, MILD._replace(about="x"), NOW_MS) is True


def test_what_becomes_graver_is_raised_at_once_and_what_becomes_milder_is_not(client):
    assert raise_alert(client, MILD, NOW_MS) is True
    assert raise_alert(client, GRAVE, NOW_MS) is True
    assert raise_alert(client, GRAVE, NOW_MS) is False
    assert raise_alert(client, MILD, NOW_MS) is False
    assert [each["severity"] for each in raised(client)] == ["MEDIUM", "CRITICAL"]


def test_an_alert_that_is_raised_twice_after_a_loss_has_the_same_id(client):
    raise_alert(client, MILD, NOW_MS)
    client.delete(keys.alert_quiet("no_position", "5m"))
    raise_alert(client, MILD, NOW_MS + 1_000)
    one, two = raised(client)
    assert one["alert_id"] == two["alert_id"]


def test_of_many_at_once_one_raises_it(server, client):
    answers, start = [], threading.Barrier(8)

    def one():
        with server.client() as own:
            start.wait()
            answers.append(raise_alert(own, MILD, NOW_MS))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [False] * 7 + [True]
    assert len(raised(client)) == 1


def test_a_group_that_moved_alerts_once_for_each_group(client):
    one = alerting.group_moved("s", "g", "back at 1-0, counted up to 5-0")
    assert raise_alert(client, one, NOW_MS) is True
    assert raise_alert(client, one._replace(detail="gone"), NOW_MS) is False
    assert raise_alert(client, alerting.group_moved("s", "h", "gone"), NOW_MS) is True
    first = raised(client)[0]
    assert first["reason"] == "group_moved"
    assert first["severity"] == "CRITICAL"
    assert first["about"] == "s:g"
    assert first["detail"] == "back at 1-0, counted up to 5-0"


@pytest.mark.parametrize("key", [keys.ALERTS, keys.alert_quiet("no_position", "5m")])
def test_a_spoiled_key_is_said_and_nothing_is_done(client, key):
    client.hset(key, "a", "b")
    assert raise_alert(client, MILD, NOW_MS).startswith(f"{key}: it is no ")
    other = {keys.ALERTS, keys.alert_quiet("no_position", "5m")} - {key}
    assert not client.exists(*other)


def test_a_quiet_key_that_holds_no_rank_keeps_nothing_quiet(client):
    client.set(keys.alert_quiet("no_position", "5m"), "x")
    assert raise_alert(client, MILD, NOW_MS) is True


def many(client, count):
    return [client.xadd(keys.ALERTS, {"n": n}, id=f"1-{n + 1}") for n in range(count)]


def raise_some(client, count):
    for n in range(count):
        assert raise_alert(client, MILD._replace(reason=f"r{n}"), NOW_MS) is True


def first(client):
    return client.xrange(keys.ALERTS, count=1)[0][0]


def test_the_stream_is_cut_to_about_a_thousand(client):
    many(client, 1_150)
    raise_some(client, 3)
    assert client.xlen(keys.ALERTS) == 1_000


def test_cutting_stops_before_what_a_group_has_pending(client):
    ids = many(client, 1_150)
    client.xgroup_create(keys.ALERTS, GROUP, "0")
    client.xgroup_create(keys.ALERTS, "other", "$")
    client.xreadgroup(GROUP, "relay", {keys.ALERTS: ">"})
    client.xack(keys.ALERTS, GROUP, *ids[:20], *ids[21:])
    raise_some(client, 3)
    assert first(client) == ids[20]
    assert client.xpending(keys.ALERTS, GROUP)["pending"] == 1
    client.xack(keys.ALERTS, GROUP, ids[20])
    client.xreadgroup(GROUP, "relay", {keys.ALERTS: ">"}, noack=True)
    client.xgroup_setid(keys.ALERTS, "other", "$")
    raise_alert(client, MILD, NOW_MS)
    assert first(client) == ids[120]


def test_cutting_stops_before_what_a_group_was_not_given(client):
    ids = many(client, 1_150)
    client.xgroup_create(keys.ALERTS, GROUP, "0")
    raise_some(client, 2)
    assert first(client) == ids[0]
    client.xreadgroup(GROUP, "relay", {keys.ALERTS: ">"}, count=30, noack=True)
    raise_alert(client, MILD, NOW_MS)
    given = client.xrange(keys.ALERTS, f"({ids[29]}")
    assert len(given) == 1_120 + 3
    assert client.xlen(keys.ALERTS) <= 1_123 + 1


@pytest.fixture
def alerts(server):
    return Alerts(context(Settings, place, server.port, now_ms=lambda: NOW_MS))


def totals(**reasons):
    of = {f"reason:{name}": count for name, count in reasons.items()}
    return {"1m": {}, "5m": of, "15m": {}, "1h": {}}


def test_looking_again_raises_nothing_again_and_a_restart_neither(server, client, alerts):
    alerts.look(totals(a=50, b=50))
    alerts.look(totals(a=50, b=50))
    Alerts(context(Settings, place, server.port, now_ms=lambda: NOW_MS + 1)).look(
        totals(a=50, b=50)
    )
    assert [each["reason"] for each in raised(client)] == ["a", "b"]
    assert [line["reason"] for line in alerts._context.log.lines] == ["a", "b"]


def test_an_alert_that_cannot_be_raised_is_an_error_in_the_log_and_the_others_are(client, alerts):
    client.set(keys.ALERTS, "x")
    alerts.look(totals(a=100))
    assert alerts._context.log.lines[0]["log_level"] == "error"
    client.delete(keys.ALERTS)
    alerts.look(totals(a=100))
    assert len(raised(client)) == 1


def test_the_running_consumer_raises_what_its_windows_show(server, client, consumer):
    now_s = client.time()[0]
    for _ in range(100):
        client.xadd(
            keys.STREAM_APPLY_RESULT,
            {"decision": "ERROR", "error": "execution_failed: x", "timestamp": str(now_s)},
        )
    wanted = {"execution_failed", "decision:EXECUTE", "decision:ERROR"}
    running = consumer(server.port, SNAPSHOT_INTERVAL_S="0.2").ready()
    until(lambda: {each["reason"] for each in raised(client)} == wanted)
    began = client.hget(STATUS, "service_start_ts")
    assert running.stop() == 0
    consumer(server.port, SNAPSHOT_INTERVAL_S="0.2").ready()
    until(lambda: client.hget(STATUS, "service_start_ts") != began)
    until(lambda: client.hget(STATUS, "state") == "running")
    assert len(raised(client)) == 3
    assert float(raised(client)[0]["timestamp"]) <= time.time()
