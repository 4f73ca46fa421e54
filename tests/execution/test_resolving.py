"""An UNKNOWN intent is resolved by a person, once, with who and why; nothing else is."""

import pytest

from streams import intents
from streams.outcomes import Outcome
from streams.resolving import filled, resolve
from tests.execution.desk import (
    add,
    applied,
    inflight,
    pending,
    position,
    record,
    results,
    settle,
    trading,
    wanted,
)


@pytest.fixture
def unknown(server, client, simulator, binance, clock):
    simulator.misbehave("unknown_after_fill", on="entry")
    simulator.misbehave("", on="query", times=0, effect="never", reply="said", status=503)
    made, work = trading(server, binance, clock=clock)
    add(client, wanted(stop_loss="59000"))
    settle(made, work)
    simulator.behave()
    assert record(client)["state"] == "UNKNOWN"
    return made, work


WORDS = {"who": "op", "why": "seen at the exchange", "now_ms": 1_770_000_000_000}


def test_as_filled_it_counts_and_is_protected(unknown, client, simulator):
    made, work = unknown
    answer = resolve(client, "t1", filled("0.01", "60000", "1"), **WORDS)
    assert answer[0] == "RESOLVED"
    kept = record(client)
    assert (kept["state"], kept["resolved_by"], kept["resolved_why"]) == (
        "FILLED", "op", "seen at the exchange",
    )  # fmt: skip
    assert (str(position(client)), inflight(client)) == ("0.01", 0)
    assert [each["state"] for each in results(client)] == ["FILLED"]
    assert applied(client)[0]["executed"] == "true"
    settle(made, work)
    assert record(client)["stop_loss_state"] == "RESTING"
    assert pending(client) == 0


def test_who_began_it_and_when_stays_in_the_record(unknown, client):
    before = record(client)
    resolve(client, "t1", Outcome("FAILED", "resolved"), **WORDS)
    after = record(client)
    for field in ("owner", "epoch", "created_ms"):
        assert after[field] == before[field]
    assert (after["reserved"], after["deadline_ms"]) == ("0", "0")
    assert after["updated_ms"] == str(WORDS["now_ms"])
    assert after["result_id"] == client.xrevrange(intents.STREAM_EXECUTION_RESULT)[0][0]


@pytest.mark.parametrize("state", ["REJECTED", "FAILED"])
def test_otherwise_its_room_is_given_back(unknown, client, state):
    assert resolve(client, "t1", Outcome(state, "resolved"), **WORDS)[0] == "RESOLVED"
    assert (position(client), inflight(client)) == (0, 0)
    assert client.scard(intents.OPEN_SYMBOLS) == 0
    assert 0 < client.ttl(intents.record("t1")) <= intents.RECORD_TTL_S


def test_a_second_resolution_changes_nothing(unknown, client):
    resolve(client, "t1", Outcome("FAILED", "resolved"), **WORDS)
    assert resolve(client, "t1", filled("0.01", "60000"), **WORDS) == ("STANDS", "FAILED")
    assert len(results(client)) == 1


def test_what_is_no_resolution_is_refused(client):
    assert resolve(client, "none", Outcome("FAILED", "x"), **WORDS) == ("NO_RECORD", "")
    for outcome in (Outcome("EXPIRED"), Outcome("FILLED"), Outcome("FAILED", filled=1)):
        with pytest.raises(ValueError, match=r"resolved|quantity"):
            resolve(client, "t1", outcome, **WORDS)
    with pytest.raises(ValueError, match="who"):
        resolve(client, "t1", Outcome("FAILED"), who="", why="x", now_ms=1)
    with pytest.raises(ValueError, match="numbers"):
        filled("much", "1")


def test_only_unknown_is_resolved(server, client):
    made, work = trading(server)
    add(client, wanted())
    settle(made, work)
    assert resolve(client, "t1", Outcome("FAILED", "x"), **WORDS) == ("STANDS", "FILLED")
