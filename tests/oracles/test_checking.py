"""The checker, held against histories that were planted for it."""

import random

import pytest

from tests.oracles.checking import History, conservation

PRODUCED = frozenset(f"E{n}" for n in range(100))
CLEAN = History(PRODUCED, dict.fromkeys(PRODUCED, 1))


def judged(**changes):
    return conservation(CLEAN._replace(**changes))


def without(*identities):
    return {each: 1 for each in PRODUCED if each not in identities}


def test_each_settled_once_is_proved():
    assert conservation(CLEAN).word == "proved"


def test_whatever_is_nowhere_is_lost():
    verdict = judged(settled=without("E3"))
    assert verdict.word == "refuted"
    assert verdict.lost == ("E3",)


def test_whatever_has_two_effects_is_doubled():
    verdict = judged(settled={**CLEAN.settled, "E3": 2})
    assert verdict.word == "refuted"
    assert verdict.doubled == ("E3",)


def test_one_lost_and_one_doubled_do_not_cancel_out():
    settled = {**without("E3"), "E4": 2}
    assert sum(settled.values()) == len(PRODUCED)
    verdict = judged(settled=settled)
    assert (verdict.lost, verdict.doubled) == (("E3",), ("E4",))


def test_an_effect_of_nothing_that_was_produced_is_unexpected():
    verdict = judged(settled={**without("E3"), "E100": 1})
    assert (verdict.lost, verdict.unexpected) == (("E3",), ("E100",))


@pytest.mark.parametrize("place", ["pending", "undelivered", "dead"])
def test_what_waits_is_not_lost(place):
    assert judged(settled=without("E3"), **{place: frozenset({"E3"})}).word == "proved"


@pytest.mark.parametrize("place", ["pending", "undelivered", "dead"])
def test_what_is_settled_and_still_waits_is_in_two_places(place):
    verdict = judged(**{place: frozenset({"E3"})})
    assert verdict.word == "refuted"
    assert verdict.misplaced == ("E3",)


def test_what_vanishes_from_pending_is_lost():
    """DELCONSUMER with two pending: the group's own numbers are clean, the identities are not."""
    assert judged(settled=without("E3", "E4")).lost == ("E3", "E4")


def test_nothing_produced_proves_nothing():
    assert conservation(History(frozenset(), {})).word == "unknown"
    assert conservation(CLEAN, at_least=101).word == "unknown"


def test_a_fault_that_was_not_observed_is_no_test():
    assert conservation(CLEAN, observed={"kills": 3, "claims": 2}).word == "proved"
    verdict = conservation(CLEAN, observed={"kills": 3, "claims": 0})
    assert verdict.word == "unknown"
    assert "claims" in verdict.vacuous


def test_what_is_wrong_outweighs_what_was_not_observed():
    spoiled = CLEAN._replace(settled=without("E3"))
    assert conservation(spoiled, observed={"kills": 0}).word == "refuted"


@pytest.mark.parametrize("seed", range(25))
def test_planted_mistakes_are_all_named_and_nothing_else(seed):
    chance = random.Random(seed)
    some = chance.sample(sorted(PRODUCED), 8)
    lost, doubled, pending = some[:3], some[3:6], some[6:]
    settled = {**without(*lost, *pending), **dict.fromkeys(doubled, 2)}
    verdict = judged(settled=settled, pending=frozenset(pending))
    assert verdict.lost == tuple(sorted(lost))
    assert verdict.doubled == tuple(sorted(doubled))
    assert verdict.misplaced == verdict.unexpected == ()


@pytest.mark.parametrize("seed", range(100))
def test_a_hundred_clean_histories_are_not_refuted(seed):
    chance = random.Random(seed)
    places = {place: set() for place in ("settled", "pending", "undelivered", "dead")}
    for each in PRODUCED:
        places[chance.choice(sorted(places))].add(each)
    settled = dict.fromkeys(places.pop("settled"), 1)
    assert conservation(History(PRODUCED, settled, **places)).word == "proved"
