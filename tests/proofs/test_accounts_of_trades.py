"""Every settled decision and intent is found again: by real ids on a real server."""

from __future__ import annotations

import time

import pytest

from proofs.finding import Verdict
from proofs.nothing_lost_nothing_doubled import check, gather
from streams import intents, routing
from tests.proofs.trading import (
    DECISIONS,
    EXECUTING,
    INTENTS,
    RESULTS,
    ROUTING,
    Executor,
    Router,
    decision,
)


def now_ms():
    return int(time.time() * 1000)


@pytest.fixture
def routed(client, scene_of):
    """Settle thirty decisions, some twice, some unreadable, with a fault at one of them."""

    def judge(fault="", then=lambda: None, **values):
        router = Router(client, fault, of="trace-7")
        for number in range(30):
            client.xadd(DECISIONS, decision(f"trace-{number % 25}", now_ms()))
        for reason in ("bad", "worse"):
            client.xadd(DECISIONS, {"payload": f"{{{reason}", "trace_id": reason})
        router()
        then()
        evidence = gather(scene_of(client, flow=ROUTING, **values))
        return check(evidence), evidence

    return judge


def test_each_decision_with_one_intent_is_proved(routed):
    finding, _ = routed()
    assert finding.verdict is Verdict.proved, finding.reasons
    assert finding.numbers["settled"] == 32
    assert finding.numbers["identities"] == 25
    assert finding.numbers["dead_letters"] == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("swallows", "lost: 1 identities without intent, refusal or dead letter: trace-7"),
        ("doubles", "doubled: 1 identities with 2 intents: trace-7"),
        ("key alone", "lost: 1 identities whose key names no intent there is: trace-7"),
        ("drops letters", "lost: 2 unreadable decisions (bad_json) without dead letter"),
    ],
)
def test_one_decision_gone_wrong_among_thirty_refutes(routed, fault, reason):
    finding, _ = routed(fault)
    assert finding.verdict is Verdict.refuted
    assert reason in " ".join(finding.reasons)


def test_a_decision_that_is_given_up_is_accounted_for(routed):
    finding, _ = routed("gives up")
    assert finding.verdict is Verdict.proved
    assert finding.numbers["dead_letters"] == 3


def test_two_dead_letters_of_one_decision_refute(client, routed):
    def again():
        ((_, fields),) = client.xrange(f"{DECISIONS}:dlq", count=1)
        client.xadd(f"{DECISIONS}:dlq", fields)

    finding, _ = routed(then=again)
    assert finding.verdict is Verdict.refuted
    assert "several dead letters" in finding.reasons[0]


def test_an_intent_that_nobody_decided_refutes(client, routed):
    forged = {"trace_id": "made-up", "source": "strategy_router", "payload": "{}"}
    finding, _ = routed(then=lambda: client.xadd(INTENTS, forged))
    assert finding.verdict is Verdict.refuted
    assert "no decision asked for: made-up" in finding.reasons[0]


def test_another_producers_intents_are_none_of_the_routers(client, routed):
    finding, _ = routed(then=lambda: client.xadd(INTENTS, {"trace_id": "x", "source": "by hand"}))
    assert finding.verdict is Verdict.proved


def test_a_decision_refused_by_a_limit_has_its_record(client, routed):
    def refuse():
        client.hset(intents.record("trace-7"), mapping={"state": "REJECTED"})

    finding, _ = routed("swallows", then=refuse)
    assert finding.verdict is Verdict.proved
    assert finding.numbers["refused"] == 1


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (lambda c: c.delete(routing.dedup("trace-7")), "deduplication key is gone too early"),
        (lambda c: c.hset(routing.STATUS, f"group_moved:{DECISIONS}:router", "back"), "was moved"),
        (lambda c: c.hset(routing.STATUS, "processed_total", 31), "totals say 31"),
    ],
)
def test_what_cannot_be_told_is_unknown(client, routed, then, reason):
    finding, _ = routed(then=lambda: then(client))
    assert finding.verdict is Verdict.unknown
    assert reason in finding.reasons[0]


def test_totals_that_agree_are_a_second_witness(client, routed):
    totals = {"processed_total": 30, "dead_lettered_total": 2}
    finding, _ = routed(then=lambda: client.hset(routing.STATUS, mapping=totals))
    assert finding.verdict is Verdict.proved


def test_a_pending_decision_is_not_settled(client, routed):
    finding, evidence = routed("never acknowledges")
    assert finding.verdict is Verdict.proved
    assert evidence["pending"] == 1
    assert finding.numbers["settled"] == 31


def test_what_was_trimmed_away_is_out_of_sight_and_no_loss(client, routed):
    def trim():
        newest = int(client.xinfo_stream(INTENTS)["last-generated-id"].partition(b"-")[0])
        client.xadd(INTENTS, {"source": "by hand"}, id=f"{newest + 1}-0")
        client.xtrim(INTENTS, maxlen=1, approximate=False)
        client.xtrim(DECISIONS, maxlen=10, approximate=False)

    finding, evidence = routed(then=trim)
    assert finding.verdict is Verdict.proved, finding.reasons
    assert finding.numbers["settled"] == 10
    assert any("left out" in reason for reason in finding.reasons)
    assert {each["fate"]["key"] for each in evidence["identities"]} == {"names one out of sight"}


def test_a_key_from_before_its_own_life_names_nothing(client, routed):
    finding, _ = routed(then=lambda: client.set(routing.dedup("trace-7"), "1-1"))
    assert finding.verdict is Verdict.refuted
    assert "key names no intent" in finding.reasons[0]


def test_nothing_at_all_is_unknown_and_no_group_refutes(client, scene_of):
    for flow in (ROUTING, EXECUTING):
        assert check(gather(scene_of(client, flow=flow))).verdict is Verdict.refuted
        client.xgroup_create(flow.stream, flow.group, mkstream=True)
        assert check(gather(scene_of(client, flow=flow))).verdict is Verdict.unknown


# ---- execution


@pytest.fixture
def ended(client, scene_of):
    def judge(fault="", then=lambda: None, state=intents.FILLED):
        executor = Executor(client, fault, of="trace-7", state=state)
        for number in range(30):
            client.xadd(INTENTS, decision(f"trace-{number % 25}", now_ms()))
        client.xadd(INTENTS, {"payload": "{", "trace_id": "bad"})
        executor()
        then()
        evidence = gather(scene_of(client, flow=EXECUTING))
        return check(evidence), evidence

    return judge


def test_each_intent_that_ended_once_is_proved(ended):
    finding, _ = ended()
    assert finding.verdict is Verdict.proved, finding.reasons
    assert finding.numbers["states"] == {"FILLED": 25}
    assert finding.numbers["dead_letters"] == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("swallows", "lost: 1 identities without record or dead letter: trace-7"),
        ("keeps no record", "lost: 1 identities without record or dead letter: trace-7"),
        ("stays", "acknowledged, but their record is SUBMITTING: trace-7"),
        ("tells nobody", "ended FILLED without execution.result: trace-7"),
        ("tells twice", "doubled: 1 identities with 2 results (FILLED, FILLED): trace-7"),
        ("tells another state", "ended FILLED, but their result says FAILED: trace-7"),
        ("drops letters", "lost: 1 unreadable intents (bad_json) without dead letter"),
    ],
)
def test_one_intent_gone_wrong_among_thirty_refutes(ended, fault, reason):
    finding, _ = ended(fault)
    assert finding.verdict is Verdict.refuted
    assert reason in " ".join(finding.reasons)


def test_an_unknown_ending_is_named_and_never_a_pass(ended):
    finding, _ = ended("knows nothing")
    assert finding.verdict is Verdict.unknown
    assert "UNKNOWN: 1 intents" in finding.reasons[0]
    assert "trace-7" in finding.reasons[0]


def test_an_unknown_ending_with_a_result_refutes(client, ended):
    def tell():
        client.xadd(RESULTS, {"identity": "trace-7", "state": "FILLED"})

    finding, _ = ended("knows nothing", then=tell)
    assert finding.verdict is Verdict.refuted


def test_an_identity_that_is_still_pending_is_under_way(ended):
    finding, evidence = ended("never acknowledges")
    assert finding.verdict is Verdict.proved
    assert evidence["under_way"] == 1
    assert finding.numbers["identities"] == 24


def test_what_start_at_new_passed_over_is_no_loss(client, ended):
    def skip():
        first = client.xadd(INTENTS, decision("old-1", now_ms()))
        last = client.xadd(INTENTS, decision("old-2", now_ms()))
        before = client.xinfo_groups(INTENTS)[0]["last-delivered-id"]
        client.xgroup_setid(INTENTS, EXECUTING.group, last)
        words = {"stream": INTENTS, "group": EXECUTING.group, "old_id": before, "new_id": last}
        assert first < last
        client.xadd(intents.SKIPPED, words)

    finding, _ = ended(then=skip)
    assert finding.verdict is Verdict.proved, finding.reasons
    assert any("2 intents were passed over" in reason for reason in finding.reasons)
    client.delete(intents.SKIPPED)


def test_what_was_passed_over_without_a_word_is_lost(client, ended):
    def skip():
        last = client.xadd(INTENTS, decision("old-1", now_ms()))
        client.xgroup_setid(INTENTS, EXECUTING.group, last)

    finding, _ = ended(then=skip)
    assert finding.verdict is Verdict.refuted
    assert "old-1" in finding.reasons[0]
