"""Entries handled one by one: once in effect, again after a failure, given up in the end."""

import json

import pytest

from consumers.loop.failing import GroupMovedError, SpoiledKeyError, TransientError
from consumers.loop.handling import Each, Write
from consumers.loop.reading import Reader, join
from tests.contexts import context
from tests.loop.tally import GROUP, SEEN, STATUS, STREAM, TALLY, Settings, handle, place
from tests.waiting import until


class Party:
    """A consumer's parts without its loop."""

    def __init__(self, server, name="one", handler=handle, **given):
        self.context = context(Settings, place, server.port, CONSUMER_NAME=name, **given)
        join(self.context.client, self.context.place)
        self.reader = Reader(self.context.client, self.context.place)
        self.each = Each(self.context, handler)

    def read(self, size=10):
        return until(lambda: self.reader.next(size, 1, 1))

    def again(self):
        self.reader.start_over()
        return self.reader.next(1, 1, 1)


def dead_letters(client):
    return [fields for _, fields in client.xrange(f"{STREAM}:dlq")]


def pending(client):
    return client.xpending(STREAM, GROUP)["pending"]


def test_effects_and_acknowledgement_come_together(server, client):
    party = Party(server)
    for word in ("a", "b", "a"):
        client.xadd(STREAM, {"word": word})
    party.each.take(party.read())
    assert client.hgetall(TALLY) == {"a": "2", "b": "1"}
    assert client.xlen(SEEN) == 3
    assert pending(client) == 0
    assert client.hget(STATUS, "processed_total") == "3"


def test_an_entry_that_changed_hands_has_its_effect_once(server, client):
    old, new = Party(server, "old"), Party(server, "new")
    client.xadd(STREAM, {"word": "a"})
    entries = old.read()
    client.xclaim(STREAM, GROUP, "new", 0, [entries[0][0]])
    new.each.take(new.again())
    old.each.take(entries)
    assert client.hgetall(TALLY) == {"a": "1"}
    assert any("taken over" in line["event"] for line in old.context.log.lines)


def test_poison_is_a_dead_letter_at_once_with_everything_it_held(server, client):
    party = Party(server)
    poisoned = client.xadd(STREAM, {"word": "poison", "more": "ä"})
    client.xadd(STREAM, {"word": "a"})
    party.each.take(party.read())
    (dead,) = dead_letters(client)
    assert dead["original_id"] == poisoned
    assert json.loads(dead["fields"]) == ["word", "poison", "more", "ä"]
    assert dead["reason"] == "poison: as the word says"
    assert (dead["deliveries"], dead["consumer"], dead["group"]) == ("1", "one", GROUP)
    assert dead["when"].isdigit()
    assert client.hgetall(TALLY) == {"a": "1"}
    assert pending(client) == 0


@pytest.mark.parametrize(("word", "cause"), [("later", "not yet"), ("bug", "NameError")])
def test_a_failure_leaves_the_entry_pending_until_it_was_tried_often_enough(
    server, client, word, cause
):
    client.set("quantum:test:later", 1)
    party = Party(server, MAX_DELIVERIES=3)
    failing = client.xadd(STREAM, {"word": word})
    client.xadd(STREAM, {"word": "behind"})
    entries = party.read()
    for _ in range(2):
        with pytest.raises(TransientError, match=cause):
            party.each.take(entries)
        assert pending(client) == 2
        entries = party.again()
        assert [entry_id for entry_id, _ in entries] == [failing]
    party.each.take(entries)
    (dead,) = dead_letters(client)
    assert dead["reason"].startswith(f"tried 3 times: {cause}")
    assert dead["deliveries"] == "3"
    # who waited behind it was not tried, and is not blamed
    party.each.take(party.again())
    assert client.hgetall(TALLY) == {"behind": "1"}
    assert client.xlen(f"{STREAM}:dlq") == 1


def test_what_was_trimmed_away_is_reported_and_never_blocks(server, client):
    party = Party(server)
    gone = client.xadd(STREAM, {"word": "a"})
    party.read()
    client.xdel(STREAM, gone)
    party.each.take(party.again())
    assert pending(client) == 0
    assert client.hget(STATUS, "lost_total") == "1"
    assert party.context.log.lines[-1]["ids"] == [gone]


@pytest.mark.parametrize(
    ("spoil", "write"),
    [
        (("SET", "k", "1"), Write("HINCRBY", "k", ("f", 1))),
        (("HSET", "k", "f", "words"), Write("HINCRBY", "k", ("f", 1))),
        (("SET", "k", "words"), Write("INCRBY", "k", (1,))),
        (("SET", "k", "1"), Write("XADD", "k", ("*", "a", "b"))),
    ],
)
def test_a_write_that_cannot_succeed_keeps_all_the_others_back(server, client, spoil, write):
    client.execute_command(*spoil)
    party = Party(server, handler=lambda *_: [Write("HINCRBY", TALLY, ("a", 1)), write])
    client.xadd(STREAM, {"word": "a"})
    with pytest.raises(SpoiledKeyError, match=r"^k: "):
        party.each.take(party.read())
    assert not client.exists(TALLY)
    assert pending(client) == 1


def test_after_the_group_moved_nothing_has_an_effect(server, client):
    party = Party(server)
    client.xadd(STREAM, {"word": "a"})
    entries = party.read()
    client.xgroup_destroy(STREAM, GROUP)
    with pytest.raises(GroupMovedError):
        party.each.take(entries)
    assert not client.exists(TALLY)


def test_giving_up_what_is_another_s_does_nothing(server, client):
    old = Party(server, "old")
    client.xadd(STREAM, {"word": "poison"})
    entries = old.read()
    client.xclaim(STREAM, GROUP, "new", 0, [entries[0][0]])
    old.each.take(entries)
    assert dead_letters(client) == []
    assert pending(client) == 1
