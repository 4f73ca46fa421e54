"""START_AT=new: what waits is passed over once, after all pending is settled, and written down."""

import json

from streams import groups, intents, keys
from tests.execution.desk import (
    GROUP,
    STREAM,
    add,
    desk,
    pending,
    results,
    said,
    settle,
    state,
    wanted,
)


def ledger(client):
    return [fields for _, fields in client.xrange(intents.SKIPPED)]


def test_the_backlog_is_skipped_with_its_ids_and_what_comes_later_is_taken(server, client):
    ids = add(client, *[wanted(trace_id=f"old{n}") for n in range(25)])
    made, work = desk(server, START_AT="new", BATCH_SIZE=10)
    settle(made, work)
    (entry,) = ledger(client)
    assert json.loads(entry["ids"]) == ids
    assert (entry["old_id"], entry["new_id"]) == ("0-0", ids[-1])
    assert (entry["skipped"], entry["first"], entry["last"]) == ("25", ids[0], ids[-1])
    assert entry["ids_complete"] == "true"
    assert len(said(made, "skipped what waited")) == 1
    place = made.place
    assert client.hget(place.status, keys.high_water(STREAM, GROUP)) == ids[-1]
    add(client, wanted(trace_id="new"))
    settle(made, work)
    assert state(client, "new") == "DRAINED"
    assert len(results(client)) == 1
    assert groups.lag(client, STREAM, GROUP).entries == 0


def test_more_ids_than_are_listed_are_counted_and_it_says_so(server, client, monkeypatch):
    monkeypatch.setattr("consumers.trading.skipping.LISTED", 3)
    add(client, *[wanted(trace_id=f"old{n}") for n in range(5)])
    made, work = desk(server, START_AT="new")
    settle(made, work)
    (entry,) = ledger(client)
    assert (len(json.loads(entry["ids"])), entry["skipped"]) == (3, "5")
    assert entry["ids_complete"] == "false"


def test_what_is_pending_is_settled_first(server, client):
    made, work = desk(server)
    ids = add(client, *[wanted(trace_id=f"t{n}") for n in range(4)])
    made.client.execute_command(
        "XREADGROUP", "GROUP", GROUP, "one", "COUNT", 2, "STREAMS", STREAM, ">"
    )
    made, work = desk(server, START_AT="new")
    settle(made, work)
    assert [state(client, f"t{n}") for n in range(4)] == ["DRAINED", "DRAINED", None, None]
    assert json.loads(ledger(client)[0]["ids"]) == ids[2:]
    assert pending(client) == 0


def test_what_a_dead_consumer_left_is_settled_first_too(server, client):
    made, _ = desk(server, name="dead")
    add(client, *[wanted(trace_id=f"t{n}") for n in range(2)])
    made.client.execute_command(
        "XREADGROUP", "GROUP", GROUP, "dead", "COUNT", 1, "STREAMS", STREAM, ">"
    )
    made, work = desk(server, START_AT="new")
    assert "dead consumers" in work.held()
    settle(made, work)
    assert [state(client, f"t{n}") for n in range(2)] == ["DRAINED", None]


def test_nothing_is_skipped_while_another_consumer_lives(server, client):
    desk(server, name="two")
    add(client, wanted())
    client.xreadgroup(GROUP, "two", {STREAM: "0"})
    client.set(keys.heartbeat(GROUP, "two"), "alive")
    made, work = desk(server, START_AT="new")
    settle(made, work)
    assert state(client) == "DRAINED"
    assert ledger(client) == []
    assert said(made, "nothing skipped")


def test_a_lost_reply_does_not_skip_twice(server, client):
    add(client, wanted(trace_id="old"))
    made, work = desk(server, START_AT="new")
    assert work.held() == ""
    work._skipper._over = False  # as if the answer had been lost
    add(client, wanted(trace_id="new"))
    settle(made, work)
    assert len(ledger(client)) == 1
    assert state(client, "new") == "DRAINED"


def test_backlog_is_the_default(server, client):
    add(client, wanted())
    made, work = desk(server)
    settle(made, work)
    assert state(client) == "DRAINED"
    assert not client.exists(intents.SKIPPED)
