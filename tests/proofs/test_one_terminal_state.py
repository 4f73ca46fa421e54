from __future__ import annotations

import time

import pytest

from proofs.finding import Verdict
from proofs.one_terminal_state import check, gather
from streams import intents
from tests.proofs.trading import EXECUTING, INTENTS, RESULTS, Executor, decision


@pytest.fixture
def found(client, scene_of):
    def judge(fault="", then=lambda: None, state=intents.FILLED):
        executor = Executor(client, fault, of="trace-7", state=state)
        for number in range(20):
            client.xadd(INTENTS, decision(f"trace-{number}", int(time.time() * 1000)))
        executor()
        for key in client.scan_iter(match=f"{intents.RECORD_PREFIX}*"):
            client.hset(key, "updated_ms", int(time.time() * 1000) - 1000)
        then()
        return check(gather(scene_of(client, flow=EXECUTING)))

    return judge


@pytest.mark.parametrize("state", [intents.FILLED, intents.DRAINED])
def test_each_intent_with_one_ending_is_proved(found, state):
    finding = found(state=state)
    assert finding.verdict is Verdict.proved, finding.reasons
    assert finding.numbers["states"] == {state: 20}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("tells twice", "1 intents ended 2 times (FILLED, FILLED): trace-7"),
        ("tells nobody", "1 records are FILLED, but no execution.result says so: trace-7"),
        ("tells another state", "1 records are FILLED, but their result says FAILED: trace-7"),
        ("keeps no record", "results of intents without a record: trace-7"),
        ("claims a fill", "1 intents are FILLED, but their orders are not: trace-7"),
    ],
)
def test_an_ending_that_others_tell_otherwise_refutes(found, fault, reason):
    finding = found(fault)
    assert finding.verdict is Verdict.refuted
    assert reason in " ".join(finding.reasons)


def test_an_order_that_no_intent_tells_of_refutes(found):
    finding = found("hides an order", state=intents.DRAINED)
    assert finding.verdict is Verdict.refuted
    assert "1 orders were filled, but their intents are DRAINED: trace-7" in finding.reasons[0]


def test_a_state_that_there_is_not_refutes(client, found):
    finding = found(then=lambda: client.hset(intents.record("trace-3"), "state", "DONE"))
    assert finding.verdict is Verdict.refuted
    assert "no state there is (DONE): trace-3" in finding.reasons[0]


def test_an_unknown_ending_is_named_and_never_a_pass(found):
    finding = found("knows nothing")
    assert finding.verdict is Verdict.unknown
    assert "trace-7" in finding.reasons[0]


def test_an_intent_under_way_is_no_ending(found):
    finding = found("stays")
    assert finding.verdict is Verdict.proved
    assert "1 are under way" in finding.reasons


def test_what_ended_while_we_looked_is_left_out(client, found):
    def later():
        record = {"state": "FILLED", "updated_ms": int(time.time() * 1000) + 60_000}
        client.hset(intents.record("late"), mapping=record)

    finding = found(then=later)
    assert finding.verdict is Verdict.proved
    assert finding.numbers["later"] == 1


def test_a_refusal_by_the_router_is_an_ending_too(client, found):
    def refuse():
        record = {"state": "REJECTED", "updated_ms": "1", "reason": "rate_limit"}
        client.hset(intents.record("limited"), mapping=record)
        client.xadd(RESULTS, {"trace_id": "limited", "state": "REJECTED"})

    finding = found(then=refuse)
    assert finding.verdict is Verdict.proved, finding.reasons


def test_no_intent_at_all_is_unknown(client, scene_of):
    assert check(gather(scene_of(client, flow=EXECUTING))).verdict is Verdict.unknown
