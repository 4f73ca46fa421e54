"""Every fault and every scenario keeps what the registries, the agent and the consumers ask for."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import proofs
import roles
from consumers.loop import failpoints
from fault_injection import checkers, faults, scenarios
from fault_injection.chance import Chance
from fault_injection.deploys import acts as deploy_acts
from fault_injection.exchange_acts.misbehave import WAYS
from fault_injection.faults.fault import (
    ACTS,
    AGENT,
    CONSUMERS,
    DEPLOY_ACTS,
    FAMILIES,
    LAPTOP,
    NEEDS,
    REDIS,
    SPARE_S,
    Aim,
)
from fault_injection.scenarios.holding import WATCHED
from fault_injection.scenarios.scenario import rests_on
from fault_injection.schedules import obstacles
from harness.agent import faults as agent_faults
from harness.agent import injecting, step_kill, step_mount, step_nft, step_redis
from harness.agent.failing import AgentError
from tests.faults.aims import lab, sandbox
from tests.kill_matrix.points import points

PROJECT = Path(__file__).resolve().parents[2]
#: The names of checkers that there are.
CHECKERS = set(checkers.REGISTRY)
BY_NAME = {"duplicate_events", "restart_mid_intent", "stale_pending_claims"}
#: The failpoints that stand in the consumers' sources.
POINTS = set(points())
FAULTS = faults.REGISTRY.values()
SCENARIOS = scenarios.REGISTRY.values()
#: The watchdog of the consumers' unit, beyond which a frozen one is no frozen one any more.
WATCHDOG_S = 30


def each(values):
    return [pytest.param(value, id=value.name) for value in values]


def refuse(step):
    """Ask what the agent asks of a step before it looks at the host."""
    injecting.kind_of(step.get("do"))
    match step["do"]:
        case "nft":
            step_nft._text("t", step["rules"])
        case "mount":
            assert step["how"] in step_mount.HOWS
            assert step["path"] not in step_mount.NEVER
        case "kill":
            assert step["signal"] in step_kill.SIGNALS
        case "redis":
            assert not any(step_redis.UNTOUCHED.search(name) for name in step.get("config", ()))
            if "pause" in step:
                most = step_redis.LONGEST_PAUSE_MS[step["pause"]["what"]]
                assert 1 <= step["pause"]["ms"] <= most
        case "dropin":
            assert step["lines"][0].startswith("[")
            for line in step["lines"]:
                if found := re.fullmatch(r"Environment=QUANTUM_FAILPOINTS=(.*)", line):
                    assert set(failpoints.parse(found[1])) <= POINTS


def words(fault, seeds=range(6)):
    """What a fault says, for all that it is for, again and again."""
    aims = [aim for aim in lab() if aim.service in fault.on]
    assert aims
    return [
        word
        for seed in seeds
        for aim in aims
        for word in fault.words(Aim(aim, Chance(seed, aim.host, aim.unit), 1000 * fault.lasts_s[1]))
    ]


def test_the_registries_name_every_file_and_every_name_is_its_files():
    for package, registry, none in (
        (faults, faults.REGISTRY, {"fault"}),
        (scenarios, scenarios.REGISTRY, {"scenario", "holding", "table"}),
    ):
        files = {path.stem for path in Path(package.__file__).parent.glob("[a-z]*.py")} - none
        assert set(registry) == files
        assert [value.name for value in registry.values()] == list(registry)


@pytest.mark.parametrize("fault", each(FAULTS))
def test_a_fault_says_what_people_should_know(fault):
    assert fault.family in FAMILIES
    assert fault.breaks.endswith(".")
    assert all((fault.injected, fault.observed, fault.undone, fault.on, fault.where))
    assert set(fault.threatens) <= CHECKERS | set(proofs.REGISTRY)
    assert set(fault.needs) <= set(NEEDS)
    assert 0 < fault.lasts_s[0] <= fault.lasts_s[1] <= agent_faults.LONGEST_S - SPARE_S
    assert any(fault is use.fault for scenario in SCENARIOS for use in scenario.uses)


@pytest.mark.parametrize("fault", each(FAULTS))
def test_its_words_are_the_agents_or_the_laptops_and_plain(fault):
    said = words(fault)
    assert json.loads(json.dumps(said, allow_nan=False)) == list(said)
    assert said == words(fault)
    for word in said:
        if fault.by == AGENT:
            refuse(word)
        elif word["do"] in DEPLOY_ACTS:
            assert word["do"] in deploy_acts.ACTS
            assert set(word) - {"do"} == set(re.findall(r"`(\w+)`", DEPLOY_ACTS[word["do"]]))
        else:
            assert word["do"] in ACTS
            assert word["stream"]
            assert word["group"]
            told = set(re.findall(r"`(\w+)`", ACTS[word["do"]]))
            assert set(word) - {"do", "stream", "group"} == told
            assert set(word.get("ways", ())) <= set(WAYS)


@pytest.mark.parametrize(
    "step",
    [
        {"do": "melt", "unit": "x.service"},
        {"do": "nft", "rules": [{"hook": "input", "act": "drop"}]},
        {"do": "mount", "path": "/etc", "how": "full"},
        {"do": "redis", "config": {"requirepass": "x"}},
        {"do": "redis", "pause": {"ms": 90_000, "what": "all"}},
        {"do": "dropin", "lines": ["[Service]", "Environment=QUANTUM_FAILPOINTS=no.such=1*kill"]},
        {"do": "kill", "signal": "CONT"},
    ],
    ids=str,
)
def test_what_the_agent_would_refuse_is_no_step_of_a_fault(step):
    with pytest.raises((AgentError, AssertionError)):
        refuse(step)


def test_every_act_on_deploys_is_told_and_said_by_a_fault():
    said = {word["do"] for fault in FAULTS if fault.by == LAPTOP for word in words(fault)}
    assert set(deploy_acts.ACTS) == set(DEPLOY_ACTS) <= said


def test_a_frozen_consumer_misses_its_heartbeat_and_not_its_watchdog():
    least, most = faults.REGISTRY["freeze_consumer"].lasts_s
    assert 10 + 5 < least <= most < WATCHDOG_S


@pytest.mark.parametrize("scenario", each(SCENARIOS))
def test_a_scenario_asks_for_what_its_faults_threaten(scenario):
    assert set(scenario.checkers) <= CHECKERS
    assert set(scenario.claims) <= set(proofs.REGISTRY)
    held = {*scenario.must_hold, *scenario.claims}
    assert {"whole", "not_vacuous", "steady_state"} <= held
    assert scenario.where
    assert not scenario.uses[0].amid
    for use in scenario.uses:
        assert held.intersection(use.fault.threatens)
        assert set(use.services) <= set(use.fault.on)
        assert 1 <= use.times[0] <= use.times[1]


def test_a_run_rests_on_what_can_be_watched_in_all_of_its_scenarios():
    by_name = scenarios.REGISTRY
    for scenario in SCENARIOS:
        redis_goes = any(use.fault.name in {"kill_redis", "restart_redis"} for use in scenario.uses)
        assert bool(rests_on([scenario])) is not redis_goes
        assert not WATCHED & set(scenario.threatens) or not redis_goes
    killed, stale = by_name["consumers_killed"], by_name["stale_pending_claims"]
    assert set(rests_on([killed, stale])) == WATCHED
    assert rests_on([by_name["events_out_of_order"]]) == ("claims_from_the_dead",)
    assert rests_on([killed, by_name["redis_killed"]]) == ()


def test_there_are_twenty_and_two_of_every_family_that_has_a_fault():
    assert len(scenarios.REGISTRY) >= 20
    assert set(scenarios.REGISTRY) >= BY_NAME
    of = Counter(each.family for each in SCENARIOS)
    assert set(of) == {fault.family for fault in FAULTS} == set(FAMILIES)
    assert min(of.values()) >= 2


def test_the_services_are_those_of_the_roles():
    services = {name for role in roles.REGISTRY.values() for name in role.SERVICES}
    assert services == {*CONSUMERS, REDIS}


def test_a_lab_and_a_sandbox_can_have_the_scenarios_that_say_so_and_no_other():
    can = {scenario.name for scenario in SCENARIOS if not obstacles(scenario, lab())}
    assert can == {scenario.name for scenario in SCENARIOS if "lab" in scenario.where}
    assert {each.family for each in SCENARIOS if each.name not in can} == {"exchange"}
    twice = [*sandbox(), *(replace(each, unit=f"second {each.unit}") for each in sandbox())]
    can = {scenario.name for scenario in SCENARIOS if not obstacles(scenario, twice)}
    assert can == {scenario.name for scenario in SCENARIOS if "sandbox" in scenario.where}
    assert 0 < len(can) < len(scenarios.REGISTRY)
