"""Decisions of every shape become one intent each: duplicates, poison, canaries, empty ids."""

import json
import time

import pytest

from streams import trade_intent
from tests.killing import live
from tests.router.ledger import account
from tests.router.routers import (
    DEAD,
    DEDUP,
    INTENTS,
    RESULTS,
    STATUS,
    STREAM,
    add,
    decided,
    intents,
    pending,
    reserved,
    router,
    said,
    take,
)
from tests.router.traffic import MALFORMED, decisions


def test_every_shape_is_routed_and_all_accounts_are_even(server, client):
    made = decisions(5, 2_000, int(time.time() * 1000))
    produced = [(client.xadd(STREAM, each.fields), each.identity) for each in made]
    context, work = router(server)
    live(context, work)
    found = account(client, produced)
    assert found.wrong == {}
    assert found.open == 0
    assert found.intents > 1_000
    assert found.dead > 10
    for entry_id, fields in client.xrange(INTENTS):
        read = trade_intent.normalise(entry_id, fields)
        assert isinstance(read, trade_intent.TradeIntent), read
        assert read.identity == fields["trace_id"]
    status = client.hgetall(STATUS)
    assert int(status["routed_total"]) == found.intents
    assert int(status["dead_lettered_total"]) == found.dead
    assert int(status["processed_total"]) == 2_000 - found.dead
    assert int(status["duplicates_total"]) == 2_000 - found.dead - found.intents


def test_an_intent_says_what_was_decided(server, client):
    said_at = time.time() - 100
    add(
        client,
        decided(
            trace_id="t-1", correlation_id="c-1", timestamp=f"{said_at:.3f}", leverage=5,
            stop_loss=95000, take_profit=99000, confidence=0.8,
        ),
    )  # fmt: skip
    live(*router(server))
    [(intent_id, intent)] = intents(client).items()
    assert intent["event_type"] == "trade.intent"
    assert (intent["trace_id"], intent["correlation_id"]) == ("t-1", "c-1")
    assert intent["payload"] == {
        "symbol": "BTCUSDT", "side": "BUY", "position_size_usd": "200.0", "entry_price": "97000.5",
        "stop_loss": "95000", "take_profit": "99000", "leverage": 5, "confidence": "0.8",
    }  # fmt: skip
    # routed late, and no fresher for it
    read = trade_intent.normalise(intent_id, {**intent, "payload": json.dumps(intent["payload"])})
    assert read.made_ms == int(f"{said_at:.3f}".replace(".", ""))
    assert reserved(client) == {"t-1": intent_id}
    assert 0 < client.ttl(f"{DEDUP}t-1") <= 86_400


def test_duplicates_in_one_batch_and_across_batches_become_one_intent(server, client):
    first = add(client, *[decided(trace_id="t-1") for _ in range(3)])
    made = router(server)
    live(*made)
    later = add(client, decided(trace_id="t-1", symbol="ETHUSDT"))
    live(*made)
    [(intent_id, intent)] = intents(client).items()
    assert intent["payload"]["symbol"] == "BTCUSDT"
    lines = said(made[0], "DUPLICATE_SKIP")
    assert [line["id"] for line in lines] == [*first[1:], *later]
    assert {line["intent_id"] for line in lines} == {intent_id}
    assert {line["log_level"] for line in lines} == {"info"}
    assert pending(client) == 0


def test_a_redelivery_of_what_was_routed_says_so_and_changes_nothing(server, client):
    add(client, decided(trace_id="t-1"))
    live(*router(server))
    # as after a failover that forgot the acknowledgement, not what was published
    client.hdel(STATUS, *[name for name in client.hkeys(STATUS) if name.startswith("high_water")])
    client.xgroup_setid(STREAM, "router", "0")
    again = router(server)
    live(*again)
    assert len(intents(client)) == 1
    assert len(said(again[0], "DUPLICATE_SKIP")) == 1


def test_empty_trace_ids_do_not_collapse_into_one_identity(server, client):
    same = [decided(trace_id=blank, correlation_id=f"c-{n}") for n, blank in enumerate(("", " "))]
    spanning = [decided(correlation_id="c-9", symbol=s) for s in ("ETHUSDT", "SOLUSDT")]
    without = [decided(quantity=200 + n) for n in range(3)]
    odd = [decided(trace_id=word, correlation_id=f"c of {word}") for word in ("None", "0", "null")]
    add(client, *same, *spanning, *without, *odd)
    live(*router(server))
    kept = reserved(client)
    assert len(kept) == len(intents(client)) == 10
    assert "" not in kept
    assert all(name.strip() for name in kept)
    assert {"c-0|BTCUSDT|BUY", "c-9|ETHUSDT|BUY", "c-9|SOLUSDT|BUY"} <= set(kept)


def test_new_decisions_are_never_taken_for_duplicates(server, client):
    # the users' router set the key in one place and checked it in the next: it dropped everything
    add(client, *[decided(trace_id=f"t-{n}") for n in range(50)])
    made = router(server)
    live(*made)
    assert len(intents(client)) == 50
    assert said(made[0], "DUPLICATE_SKIP") == []
    assert client.hget(STATUS, "duplicates_total") == "0"


@pytest.mark.parametrize(("payload", "at"), MALFORMED)
def test_what_is_no_decision_is_a_dead_letter_at_once(server, client, payload, at):
    fields = {"payload": payload, "timestamp": at, "trace_id": "t-1"}
    [entry_id] = add(client, fields)
    made = router(server)
    live(*made)
    [(dead_id, dead)] = client.xrange(DEAD)
    assert dead["original_id"] == entry_id
    kept = json.loads(dead["fields"])
    assert dict(zip(kept[::2], kept[1::2], strict=True)) == fields
    assert dead["reason"].split(":")[0] in {
        "bad_json", "no_symbol", "unknown_side", "contradiction", "bad_quantity",
        "close_without_reduce_only", "no_time",
    }  # fmt: skip
    assert [line["dead_letter"] for line in said(made[0], "given up")] == [dead_id]
    assert not client.exists(INTENTS, RESULTS)
    assert pending(client) == 0


def test_poison_between_decisions_holds_none_of_them_up(server, client):
    add(client, *[decided(trace_id=f"t-{n}") if n % 2 else {"payload": "{"} for n in range(20)])
    live(*router(server))
    assert len(intents(client)) == len(client.xrange(DEAD)) == 10
    assert pending(client) == 0


def test_a_canary_passes_through_marked(server, client):
    add(client, decided(trace_id="canary-1", canary=True))
    live(*router(server))
    [intent] = intents(client).values()
    assert intent["payload"]["canary"] is True
    assert intent["trace_id"] == "canary-1"


def test_a_close_passes_through_with_its_flag(server, client):
    add(client, decided(trace_id="t-1", side="sell", action="close", reduceOnly="true"))
    live(*router(server))
    [intent] = intents(client).values()
    assert intent["payload"]["action"] == "CLOSE"
    assert intent["payload"]["side"] == "SELL"
    assert intent["payload"]["reduce_only"] is True


def test_an_identity_whose_intent_came_to_an_end_is_not_published_again(server, client):
    # its dedup key lives for a day, its record for a week
    client.hset("quantum:intent:t-1", mapping={"state": "FILLED", "stream_id": "7-7"})
    [entry_id] = add(client, decided(trace_id="t-1"))
    made = router(server)
    live(*made)
    assert not client.exists(INTENTS)
    assert reserved(client) == {}
    [line] = said(made[0], "DUPLICATE_SKIP")
    assert (line["id"], line["intent_id"]) == (entry_id, "7-7")


def test_an_entry_that_was_trimmed_while_pending_is_told_as_lost(server, client):
    made = router(server)
    first, second = add(client, decided(trace_id="t-1"), decided(trace_id="t-2"))
    take(made[0], 2)
    client.xdel(STREAM, first)
    live(*made)
    [intent] = intents(client).values()
    assert intent["trace_id"] == "t-2"
    assert said(made[0], "LOST")[0]["ids"] == [first]
    assert client.hget(STATUS, "lost_total") == "1"
    assert client.xpending(STREAM, "router")["pending"] == 0
    assert second


def test_the_id_of_an_entry_is_no_clock_for_its_time(server, client):
    add(client, decided(trace_id="t-1", timestamp=f"{time.time() + 1_000:.3f}"))
    live(*router(server))
    [(_, dead)] = client.xrange(DEAD)
    assert dead["reason"] == "time_ahead"
