"""The generator of decisions: the same for the same seed, and every shape in it."""

import json

from fault_injection.workloads.decision_made import BROKEN, NO_IDS, SPAN_MS, STALE_MS, events
from streams.decision_made import normalise
from streams.trade_intent import Malformed

START_MS = 1766602892766


def read(count, seed=1):
    made = list(events(seed, count, START_MS))
    return made, [normalise(f"{START_MS}-{n}", each) for n, each in enumerate(made)]


def test_the_same_seed_gives_the_same_decisions():
    assert list(events(4, 500, START_MS)) == list(events(4, 500, START_MS))
    assert list(events(4, 500, START_MS)) != list(events(5, 500, START_MS))


def test_there_are_as_many_as_asked_for():
    assert [len(list(events(1, count, START_MS))) for count in (0, 1, 999)] == [0, 1, 999]


def test_every_wrapper_occurs():
    made, _ = read(2_000)
    assert any("payload" in each and "symbol" not in each for each in made)
    assert any(set(each) == {"data"} for each in made)
    assert any("symbol" in each for each in made)
    assert any("payload" in json.loads(each["data"]) for each in made if "data" in each)


def test_ids_are_missing_in_every_way_and_no_two_nameless_ones_are_one():
    made, decisions = read(5_000)
    assert set(NO_IDS) <= {each.get("trace_id") for each in made}
    nameless = [each for each in decisions if not isinstance(each, Malformed) and not each.trace_id]
    assert nameless
    assert len({each.identity for each in nameless}) > len(nameless) / 2


def test_some_come_twice_also_in_another_wrapper():
    made, decisions = read(2_000)
    first = {}
    twice = set()
    for entry, decision in zip(made, decisions, strict=True):
        before = first.setdefault(decision.identity, entry)
        if before is not entry:
            twice.add(before == entry)
    assert twice == {True, False}


def test_everything_that_can_be_wrong_is_and_the_rest_can_be_read():
    _, decisions = read(5_000)
    reasons = {each.reason.partition(":")[0] for each in decisions if isinstance(each, Malformed)}
    assert reasons == {
        "bad_json", "no_symbol", "no_side", "no_size", "no_time", "close_without_reduce_only",
    }  # fmt: skip
    assert len(reasons) == len(BROKEN)
    assert sum(isinstance(each, Malformed) for each in decisions) < 200


def test_some_are_closes_and_some_too_old_to_be_traded_on():
    _, decisions = read(5_000)
    whole = [each for each in decisions if not isinstance(each, Malformed)]
    assert any(each.closes and each.reduce_only for each in whole)
    ages = [START_MS - each.made_ms for each in whole]
    stale = sum(age >= STALE_MS for age in ages)
    assert 0 < stale < 100
    assert sum(0 <= age <= SPAN_MS + 1 for age in ages) == len(ages) - stale
