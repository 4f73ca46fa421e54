from __future__ import annotations

import json

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import proofs
from harness.errors import AgentError, ConfigurationError
from proofs.finding import Verdict

EVERY_CLAIM = sorted(proofs.REGISTRY)


@pytest.mark.parametrize("name", EVERY_CLAIM)
def test_every_claim_says_what_it_claims_and_how_it_is_checked(name):
    module = proofs.module(name)
    assert proofs.claim(name).endswith(".")
    assert not proofs.claim(name).startswith("Claim")
    assert module.__doc__.startswith("Claim: ")
    assert module.gather.__doc__
    assert module.check.__doc__
    assert len(proofs.code_sha256(name)) == 64


@pytest.mark.parametrize("name", EVERY_CLAIM)
@pytest.mark.parametrize("evidence", [{}, {"unavailable": "Redis: gone"}, {"looks": 3}])
def test_no_claim_passes_or_crashes_on_evidence_that_is_missing_or_malformed(name, evidence):
    assert proofs.judge(name, evidence).verdict is Verdict.unknown


@pytest.mark.parametrize("name", EVERY_CLAIM)
def test_what_cannot_be_gathered_is_unknown_with_the_reason(name, scene_of):
    def no_agent():
        raise AgentError("the agent is gone", host="red")

    nowhere = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    (result,) = proofs.run([name], scene_of(nowhere, attest=no_agent))
    assert result.finding.verdict is Verdict.unknown
    assert len(result.finding.reasons[0]) > 20
    assert list(json.loads(result.evidence)) == ["unavailable"]


@pytest.mark.parametrize("name", EVERY_CLAIM)
def test_a_second_run_of_the_check_on_the_recorded_evidence_agrees(name, scene_of, client):
    (result,) = proofs.run([name], scene_of(client))
    check = proofs.checks()[name]
    assert check.sha256 == result.check_sha256
    assert check.judge(json.loads(result.evidence)).verdict is result.finding.verdict


def test_an_unknown_claim_is_a_configuration_error_that_names_the_known_ones():
    with pytest.raises(ConfigurationError) as caught:
        proofs.module("all_is_well")
    assert "effect_flows" in caught.value.action


def test_an_answer_of_redis_that_is_an_error_is_unknown(client, scene_of):
    client.set("quantum:stream:apply.result", "not a stream")
    (result,) = proofs.run(["nothing_lost_nothing_doubled"], scene_of(client))
    assert result.finding.verdict is not Verdict.proved


def test_each_claim_is_told_as_it_begins(scene_of, client):
    said = []
    proofs.run(["backlog_drains", "effect_flows"], scene_of(client), said.append)
    assert said == ["backlog_drains", "effect_flows"]


def test_nothing_at_all_is_unknown():
    assert proofs.worst([]) is Verdict.unknown
