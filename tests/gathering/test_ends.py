"""What is read again after a clean run proves it, and refutes it after each edit."""

import json

import pytest

from fault_injection import gathering
from fault_injection.checkers import judge
from fault_injection.gathering import Opened
from fault_injection.history import happenings as h
from proofs.finding import Verdict
from streams import intents, keys, routing
from tests.gathering.running import COUNTING, EXECUTING, PLACES, ROUTING, Spared, gathered

RESULTS = intents.STREAM_EXECUTION_RESULT


def refuted(clean, edit):
    """Return the checkers that refute the run after an edit in Redis."""
    server, told, opened = clean
    with Spared(server):
        edit(server.client())
        found = judge(told.history(*gathered(server.client(), opened)))
    return {name for name, each in found.findings.items() if each.verdict is Verdict.refuted}


@pytest.mark.parametrize("text", [True, False])
def test_a_clean_run_is_proved_by_all_that_are_asked(clean, text):
    server, told, opened = clean
    client = server.client() if text else server.raw()
    found = judge(told.history(*gathered(client, opened)))
    wrong = {name: each for name, each in found.findings.items()
             if each.verdict is not Verdict.proved}  # fmt: skip
    assert wrong == {}
    assert set(found.findings) >= {
        "lost", "unexpected", "duplicated", "conservation", "bucket_totals", "one_terminal_state",
        "filled_means_filled", "dead_letters", "group_goes_forward", "recovery",
        "ack_after_effect", "lawful_transitions",
    }  # fmt: skip


def an_intent(client):
    """Return a published intent: id and fields."""
    return client.xrange(EXECUTING.stream)[7]


def filled(client):
    """Return an identity that was filled."""
    return next(of["identity"] for _, of in client.xrange(RESULTS)
                if of["state"] == "FILLED" and of["side"] == "BUY")  # fmt: skip


def no_intent(client):
    client.xdel(EXECUTING.stream, an_intent(client)[0])


def second_intent(client):
    client.xadd(EXECUTING.stream, an_intent(client)[1])


def other_intent(client):
    entry, fields = an_intent(client)
    client.xdel(EXECUTING.stream, entry)
    other = json.dumps(json.loads(fields["payload"]) | {"leverage": 77})
    new = client.xadd(EXECUTING.stream, fields | {"payload": other})
    client.set(routing.dedup(fields["trace_id"]), new)


def intent_of_nobody(client):
    client.xadd(EXECUTING.stream, an_intent(client)[1] | {"trace_id": "nobody"})


def key_of_nothing(client):
    client.set(routing.dedup(an_intent(client)[1]["trace_id"]), "1-1")


def key_without_id(client):
    client.set(routing.dedup(an_intent(client)[1]["trace_id"]), "reserved")


def bucket(client):
    """Return a bucket's key and a field of it."""
    key = next(client.scan_iter(match=f"{keys.bucket('')}*", count=5_000))
    return key, min(client.hgetall(key))


def counted_twice(client):
    client.hincrby(*bucket(client), 1)


def counted_less(client):
    client.hincrby(*bucket(client), -1)


def no_bucket(client):
    client.delete(bucket(client)[0])


def bucket_of_nothing(client):
    client.hincrby(keys.bucket("203001010000"), "decision:SKIP", 1)


def acknowledged_only(place, fields):
    """Deliver an entry and acknowledge it: no effect."""

    def edit(client):
        client.xadd(place.stream, fields)
        ((_, ((entry, _),)),) = client.xreadgroup(place.group, "ghost", {place.stream: ">"})
        assert client.xack(place.stream, place.group, entry) == 1

    return edit


def no_dead_letter(client):
    client.delete(keys.dead_letters(ROUTING.stream))


def two_dead_letters(client):
    dead = keys.dead_letters(ROUTING.stream)
    client.xadd(dead, client.xrange(dead)[0][1])


def mute_dead_letter(client):
    dead = keys.dead_letters(ROUTING.stream)
    entry, fields = client.xrange(dead)[0]
    client.xdel(dead, entry)
    client.xadd(dead, fields | {"reason": ""})


def no_result(client):
    client.xdel(RESULTS, client.xrange(RESULTS)[3][0])


def second_result(client):
    client.xadd(RESULTS, client.xrange(RESULTS)[3][1])


def another_state(client):
    client.hset(intents.record(filled(client)), "state", "REJECTED")


def no_order(client):
    client.delete(f"quantum:paper:order:{intents.client_order_id(filled(client))}")


def other_order(client):
    name = f"quantum:paper:order:{intents.client_order_id(filled(client))}"
    client.hset(name, "symbol", "DOGEUSDT")


def second_fill(client):
    """Fill an order again under its id: only the position shows it."""
    client.hset("quantum:paper:position", "BTCUSDT", "17")


DECIDED = {"payload": json.dumps({"symbol": "BTCUSDT", "side": "buy", "quantity": 20}),
           "trace_id": "only acknowledged", "timestamp": "1770000000"}  # fmt: skip
WANTED = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "1", "price": "60000",
          "trace_id": "only acknowledged", "timestamp": "1770000000"}  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "by"),
    [
        (no_intent, {"lost", "conservation"}),
        (second_intent, {"duplicated"}),
        (other_intent, {"unexpected"}),
        (intent_of_nobody, {"unexpected"}),
        (key_of_nothing, {"conservation"}),
        (key_without_id, {"conservation"}),
        (counted_twice, {"duplicated", "conservation", "bucket_totals"}),
        (counted_less, {"lost", "conservation", "bucket_totals"}),
        (no_bucket, {"lost", "conservation", "bucket_totals"}),
        (bucket_of_nothing, {"duplicated", "conservation", "bucket_totals"}),
        (acknowledged_only(COUNTING, {"decision": "SKIP"}), {"lost", "bucket_totals"}),
        (acknowledged_only(ROUTING, DECIDED), {"conservation"}),
        (acknowledged_only(EXECUTING, WANTED), {"lost", "conservation"}),
        (no_dead_letter, {"conservation"}),
        (two_dead_letters, {"dead_letters"}),
        (mute_dead_letter, {"dead_letters"}),
        (no_result, {"one_terminal_state"}),
        (second_result, {"one_terminal_state"}),
        (another_state, {"one_terminal_state"}),
        (no_order, {"filled_means_filled"}),
        (other_order, {"unexpected"}),
        (second_fill, {"unexpected"}),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_an_edit_is_refuted_by_its_checkers(clean, edit, by):
    assert refuted(clean, edit) >= by


def test_nothing_is_refuted_after_the_edits_are_taken_back(clean):
    assert refuted(clean, lambda _: None) == set()


def test_how_it_began_is_json_both_ways(clean):
    server, told, opened = clean
    again = {name: Opened.of(json.loads(json.dumps(each.told()))) for name, each in opened.items()}
    assert again == opened
    late = {place.flow: gathering.opened(server.client(), place) for place in PLACES}
    again = {name: Opened.of(json.loads(json.dumps(each.told()))) for name, each in late.items()}
    assert again == late
    assert late[COUNTING.flow].sums
    assert late[EXECUTING.flow].positions
    assert told


def test_what_was_before_the_run_is_no_part_of_it(clean):
    server, _, _ = clean
    client = server.client()
    late = {place.flow: gathering.opened(client, place) for place in PLACES}
    kinds = {type(each) for each in gathered(client, late)}
    assert kinds == {h.Snapshot}
