"""Execution on the simulated exchange over real HTTP: orders, protection, and what goes wrong."""

import dataclasses

from streams import intents
from streams.outcomes import flat
from tests.execution import desk
from tests.execution.desk import (
    add,
    alerts,
    inflight,
    pending,
    position,
    record,
    results,
    said,
    settle,
    state,
    trading,
    wanted,
)
from tests.killing import Killed, died


def orders(simulator):
    return [(each.client_order_id[:2], each.kind, each.side, each.status)
            for each in simulator.orders()]  # fmt: skip


def of_leg(simulator, prefix):
    return [each[3] for each in orders(simulator) if each[0] == prefix]


def test_an_entry_with_leverage_and_both_stops(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(leverage=7, stop_loss="59000", take_profit="62000"))
    settle(made, work)
    kept = record(client)
    assert kept["state"] == "FILLED"
    assert (kept["stop_loss_state"], kept["take_profit_state"]) == ("RESTING", "RESTING")
    assert simulator.leverage("BTCUSDT") == 7
    assert orders(simulator) == [
        ("qe", "MARKET", "BUY", "FILLED"),
        ("qs", "STOP_MARKET", "SELL", "NEW"),
        ("qt", "TAKE_PROFIT_MARKET", "SELL", "NEW"),
    ]
    paths = [call["path"] for call in simulator.calls()]
    assert paths.index("/fapi/v1/leverage") < paths.index("/fapi/v1/order")
    assert (str(position(client)), inflight(client)) == ("0.01", 0)
    assert len(results(client)) == 1


def test_a_leverage_that_was_confirmed_is_not_set_again(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock)
    add(client, *[wanted(trace_id=each, leverage=7) for each in "abc"], wanted(leverage=8))
    settle(made, work)
    assert len(simulator.calls("POST /fapi/v1/leverage")) == 2


def test_one_leg_that_fires_cancels_the_other(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(stop_loss="59000", take_profit="62000"))
    settle(made, work)
    simulator.move("BTCUSDT", "58900")
    settle(made, work)
    kept = record(client)
    assert (kept["stop_loss_state"], kept["take_profit_state"]) == ("FILLED", "GONE")
    assert of_leg(simulator, "qt") == ["CANCELED"]
    assert not client.exists(intents.PROTECTED)
    assert 0 < client.ttl("quantum:intent:t1") <= intents.RECORD_TTL_S
    assert alerts(client) == []


def test_a_close_cancels_both_legs(server, client, simulator, binance, clock):
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(stop_loss="59000", take_profit="62000"))
    settle(made, work)
    assert client.ttl("quantum:intent:t1") == -1
    add(client, wanted(trace_id="x", side="FLAT", quantity=None, reduce_only="true"))
    settle(made, work)
    assert state(client, "x") == "FILLED"
    assert of_leg(simulator, "qs") == of_leg(simulator, "qt") == ["CANCELED"]
    assert simulator.position("BTCUSDT") == position(client) == 0


def test_a_partial_fill_is_followed_until_what_is_left_is_cancelled(
    server, client, simulator, binance, clock
):
    simulator.misbehave("partial_fill", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(stop_loss="59000"))
    settle(made, work)
    kept = record(client)
    assert (kept["state"], kept["filled_qty"], kept["partial"]) == ("FILLED", "0.005", "true")
    assert kept["reason"].startswith("partly_filled")
    assert results(client)[0]["partial"] == "true"
    (stop,) = [each for each in simulator.orders() if each.kind == "STOP_MARKET"]
    assert str(stop.quantity) == "0.005"


def test_a_timeout_after_the_fill_is_asked_for_and_told_once(
    server, client, simulator, binance, clock
):
    simulator.misbehave("unknown_after_fill", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    settle(made, work)
    assert state(client) == "FILLED"
    assert len(simulator.calls("POST /fapi/v1/order")) == 1
    assert len(simulator.fills()[intents.client_order_id("t1")]) == 1
    assert len(results(client)) == 1


def test_what_never_landed_is_sent_again_only_after_its_window(
    server, client, simulator, binance, clock
):
    simulator.misbehave("unknown_before_fill", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    settle(made, work)
    assert state(client) == "FILLED"
    first, second = simulator.calls("POST /fapi/v1/order")
    assert second["at_ms"] - first["at_ms"] > binance.validity_ms
    assert len(results(client)) == 1


def test_a_request_that_lands_late_is_not_sent_twice(server, client, simulator, binance, clock):
    simulator.misbehave("late_request", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    clock.then(2, simulator.release)
    settle(made, work)
    assert state(client) == "FILLED"
    assert len(simulator.calls("POST /fapi/v1/order")) == 1


def test_a_refusal_is_rejected_with_code_and_reason(server, client, simulator, binance, clock):
    simulator.misbehave("below_min_notional", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    settle(made, work)
    kept = record(client)
    assert (kept["state"], kept["code"]) == ("REJECTED", "-4164")
    assert kept["reason"].startswith("exchange_refused: Order's notional")
    assert inflight(client) == 0
    assert client.scard(intents.OPEN_SYMBOLS) == 0


def test_throttled_it_leaves_the_exchange_alone_for_as_long_as_asked(
    server, client, simulator, binance, clock
):
    simulator.misbehave("throttled", on="entry")
    made, work = trading(server, binance, clock=clock)
    add(client, wanted())
    settle(made, work)
    assert state(client) == "FILLED"
    calls = simulator.calls()
    at = [call["at_ms"] for call in calls if call["path"] == "/fapi/v1/order"]
    assert at[1] - at[0] >= 7000
    assert pending(client) == 0


def test_what_cannot_be_asked_for_is_unknown_in_the_end_and_alerts(
    server, client, simulator, binance, clock
):
    simulator.misbehave("unknown_after_fill", on="entry")
    simulator.misbehave("", on="query", times=0, effect="never", reply="said", status=503)
    made, work = trading(server, binance, clock=clock)
    (entry_id,) = add(client, wanted())
    settle(made, work)
    kept = record(client)
    assert kept["state"] == "UNKNOWN"
    assert pending(client) == 0
    assert results(client) == []
    (alert,) = alerts(client)
    assert (alert["reason"], alert["severity"], alert["identity"]) == (
        "execution_unknown", "CRITICAL", "t1",
    )  # fmt: skip
    assert inflight(client) == 600
    assert client.ttl("quantum:intent:t1") == -1
    (line,) = said(made, "nobody knows")
    assert line["id"] == entry_id


def test_a_refused_stop_alerts_and_stands_in_the_record(server, client, simulator, binance, clock):
    simulator.misbehave(
        "", on="stop", effect="never", reply="said", status=400, code=-2021,
        message="Order would immediately trigger.",
    )  # fmt: skip
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(stop_loss="59000", take_profit="62000"))
    settle(made, work)
    kept = record(client)
    assert (kept["stop_loss_state"], kept["take_profit_state"]) == ("REFUSED", "RESTING")
    (alert,) = alerts(client)
    assert alert["reason"] == "execution_unprotected"
    assert said(made, "UNPROTECTED")


def test_an_heir_with_work_of_its_own_sees_to_what_was_interrupted(server, client, binance, clock):
    """Or the position would stand without its stop until the dead one's lease has run out."""

    def die(point):
        if point == "execution.before_protect":
            raise Killed(point)

    made, _ = desk.trading(server, binance, clock=clock)
    fields = [wanted(trace_id=each, stop_loss="59000") for each in ("t1", "t2")]
    first, second = add(client, *fields)
    client.xreadgroup(desk.GROUP, "one", {desk.STREAM: ">"})
    broken = desk.work(dataclasses.replace(made, failpoint=die), binance, clock)
    with died():
        broken.take([(first, flat(fields[0]))])
    assert record(client)["stop_loss_state"] == "WANTED"
    _, heir = trading(server, binance, clock=clock)
    heir.take([(second, flat(fields[1]))])
    heir.tick("running")
    assert record(client)["stop_loss_state"] == "RESTING"
