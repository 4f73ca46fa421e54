"""Execution on paper, whole: what an intent becomes, and that each has one end."""

from tests.execution.desk import (
    add,
    applied,
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


def test_an_intent_is_filled_recorded_and_told_once(server, client):
    made, work = trading(server)
    (entry_id,) = add(client, wanted())
    settle(made, work)
    kept = record(client)
    assert kept["state"] == "FILLED"
    assert kept["stream_id"] == entry_id
    assert (kept["filled_qty"], kept["average_price"], kept["partial"]) == (
        "0.01",
        "60000",
        "false",
    )
    (result,) = results(client)
    assert (result["state"], result["identity"], result["intent_id"]) == ("FILLED", "t1", entry_id)
    (told,) = applied(client)
    assert (told["executed"], told["details"]["decision"]) == ("true", "EXECUTE")
    assert len(said(made, "intent settled")) == 1
    assert pending(client) == 0
    assert str(position(client)) == "0.01"
    assert client.hget("quantum:paper:position", "BTCUSDT") == "0.01"


def test_many_in_one_batch_and_a_duplicate_among_them(server, client):
    made, work = trading(server)
    ids = add(client, *[wanted(trace_id=f"t{n}") for n in (1, 2, 3, 2, 1, 4)])
    settle(made, work)
    assert len(results(client)) == 4
    skipped = said(made, "DUPLICATE_SKIP")
    assert [(line["id"], line["first_id"]) for line in skipped] == [
        (ids[3], ids[1]), (ids[4], ids[0]),
    ]  # fmt: skip
    assert pending(client) == 0
    assert str(position(client)) == "0.04"


def test_flat_closes_what_is_open_and_nothing_else(server, client):
    made, work = trading(server)
    add(
        client,
        wanted(trace_id="a"),
        wanted(trace_id="b", side="FLAT", quantity=None, reduce_only="true"),
        wanted(trace_id="c", side="FLAT", quantity=None, reduce_only="true"),
    )
    settle(made, work)
    assert [state(client, each) for each in "abc"] == ["FILLED", "FILLED", "REJECTED"]
    assert record(client, "b")["order_side"] == "SELL"
    assert record(client, "c")["reason"] == "no_position"
    assert position(client) == 0
    assert not client.exists("quantum:paper:position")
    assert client.scard("quantum:execution:open") == 0
