from __future__ import annotations

import pytest

from proofs.effect_flows import check, gather
from proofs.finding import Verdict
from tests.proofs.trading import DECISIONS, EXECUTING, INTENTS, ROUTING, Executor, Router


@pytest.fixture
def found(client, clock, scene_of):
    def finding(kind, fault="", **values):
        clock.during = kind(client, fault)
        flow = ROUTING if kind is Router else EXECUTING
        evidence = gather(scene_of(client, flow=flow, **values))
        return check(evidence), evidence

    return finding


def test_a_decision_that_comes_out_as_one_intent_proves_it(client, found):
    finding, evidence = found(Router)
    assert finding.verdict is Verdict.proved, finding.reasons
    assert client.xlen(INTENTS) == 1
    assert evidence["service"] == "ai-strategy-router"
    assert len(evidence["left_behind"]) == 3


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hangs", "read but not acknowledged"),
        ("never acknowledges", "read but not acknowledged"),
        ("gives up", "became a dead letter: bad_json"),
        ("swallows", "acknowledged without an intent"),
        ("doubles", "published 2 times"),
        ("key alone", "acknowledged without an intent"),
        ("no key", "its key holds None"),
        ("changes the side", "side SELL, decided was BUY"),
        ("forgets the mark", "canary False, decided was True"),
    ],
)
def test_a_router_with_a_fault_is_refuted_by_name(found, fault, reason):
    finding, _ = found(Router, fault)
    assert finding.verdict is Verdict.refuted
    assert reason in finding.reasons[0]


def test_an_intent_that_ends_drained_with_one_result_proves_it(found):
    finding, evidence = found(Executor)
    assert finding.verdict is Verdict.proved, finding.reasons
    assert evidence["record"]["state"] == "DRAINED"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hangs", "read but not acknowledged"),
        ("gives up", "became a dead letter"),
        ("swallows", "acknowledged without a record"),
        ("keeps no record", "acknowledged without a record"),
        ("trades", "became an order: quantum:paper:order:"),
        ("hides an order", "became an order: quantum:paper:order:"),
        ("knows nothing", "ended UNKNOWN, not DRAINED"),
        ("stays", "ended SUBMITTING, not DRAINED"),
        ("tells twice", "has 2 results"),
        ("tells nobody", "has 0 results"),
        ("tells another state", "result says FAILED"),
    ],
)
def test_an_executor_with_a_fault_is_refuted_by_name(found, fault, reason):
    finding, _ = found(Executor, fault)
    assert finding.verdict is Verdict.refuted
    assert reason in finding.reasons[0]


@pytest.mark.parametrize("flow", [ROUTING, EXECUTING])
def test_nobody_reads_or_nobody_may_ask(client, scene_of, flow):
    refuted = check(gather(scene_of(client, flow=flow)))
    assert refuted.verdict is Verdict.refuted
    assert "has no group" in refuted.reasons[0]
    assert client.exists(flow.stream) == 0
    client.xgroup_create(flow.stream, flow.group, mkstream=True)
    assert "was not read" in check(gather(scene_of(client, flow=flow))).reasons[0]
    unknown = check(gather(scene_of(client, flow=flow, mode="live")))
    assert unknown.verdict is Verdict.unknown
    assert client.xlen(flow.stream) == 1


def test_two_canaries_on_one_stream_are_told_apart(client, clock, scene_of):
    """The router's own canary becomes an intent that execution drains beside its own."""
    router, executor = Router(client), Executor(client)
    clock.during = lambda: (router(), executor())
    for flow in (ROUTING, EXECUTING):
        assert check(gather(scene_of(client, flow=flow))).verdict is Verdict.proved
    assert client.xlen(INTENTS) == 2
    assert client.xlen(DECISIONS) == 1


def test_a_service_whose_effect_nobody_has_said_cannot_be_gathered(client, scene_of):
    from proofs.scene import Flow

    with pytest.raises(ValueError, match="nobody has said"):
        gather(scene_of(client, flow=Flow("another", "s", "g")))
