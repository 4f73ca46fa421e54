"""Which deploys a rollback undoes on which hosts, and which claims are checked from where."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from commands.proving import assignments, lanes
from commands.undoing import concerned
from harness.errors import ConfigurationError
from harness.host import Host


def contact(name: str, *transactions: tuple[str, float, str]):
    told = [{"id": tx, "at_s": at, "state": state} for tx, at, state in transactions]
    return SimpleNamespace(host=SimpleNamespace(name=name), transactions=told)


def chosen(contacts, to: str = "") -> dict:
    return {each.host.name: list(ids) for each, ids in concerned(contacts, to)}


def test_the_last_deploy_is_undone_on_the_hosts_that_took_part_in_it():
    everywhere = ("t1", 1.0, "committed")
    hosts = [contact("a", everywhere, ("t2", 2.0, "committed")), contact("b", everywhere)]
    assert chosen(hosts) == {"a": ["t2"]}


def test_what_was_rolled_back_already_is_not_the_last_deploy():
    hosts = [contact("a", ("t1", 1.0, "committed"), ("t2", 2.0, "rolled_back"))]
    assert chosen(hosts) == {"a": ["t1"]}


def test_the_order_is_the_hosts_own_and_not_the_alphabets():
    hosts = [contact("a", ("zebra", 1.0, "committed"), ("ant", 2.0, "committed"))]
    assert chosen(hosts) == {"a": ["ant"]}
    assert chosen(hosts, to="zebra") == {"a": ["ant"]}


def test_to_an_id_undoes_everything_newer_newest_first():
    done = [(f"t{n}", float(n), "committed") for n in (1, 2, 3)]
    assert chosen([contact("a", *done), contact("b", *done[:1])], to="t1") == {"a": ["t3", "t2"]}


def test_to_an_id_that_a_host_never_had_is_refused():
    hosts = [contact("a", ("t1", 1.0, "committed")), contact("b", ("t0", 0.5, "committed"))]
    with pytest.raises(ConfigurationError, match="t1") as caught:
        concerned(hosts, "t1")
    assert caught.value.host == "b"


def test_there_may_be_nothing_to_undo():
    assert chosen([contact("a"), contact("b", ("t1", 1.0, "rolled_back"))]) == {}


def analytics(name: str, **values: object) -> Host:
    at = {"redis_host": "10.0.0.1", "redis_port": 6379, **values}
    return Host(name, "t", "sandbox", ("decision_intelligence",), values=at)


def planned(hosts: dict[str, Host], **how) -> dict[str, list[str]]:
    return {
        name: [task.claim for task in tasks] for name, tasks in assignments(hosts, **how).items()
    }


def test_a_claim_about_a_group_is_checked_once_and_one_about_a_host_everywhere():
    plan = planned({name: analytics(name) for name in ("a", "b")})
    assert "nothing_lost_nothing_doubled" in plan["a"]
    assert "nothing_lost_nothing_doubled" not in plan["b"]
    assert "running_what_was_deployed" in plan["a"]
    assert "running_what_was_deployed" in plan["b"]


@pytest.mark.parametrize(
    "other", [{"redis_host": "10.0.0.2"}, {"group_decision_intelligence": "another"}]
)
def test_two_groups_are_both_checked(other):
    hosts = {"a": analytics("a"), "b": analytics("b", **other)}
    plan = planned(hosts)
    assert all("backlog_drains" in plan[name] for name in hosts)


def test_a_gate_leaves_the_past_out_and_only_narrows():
    hosts = {"a": analytics("a")}
    assert "nothing_lost_nothing_doubled" not in planned(hosts, gate=True)["a"]
    assert planned(hosts, only="effect_flows") == {"a": ["effect_flows"]}


def test_each_service_of_a_host_has_its_own_claims_and_the_host_its_own_once():
    names = ("redis_server", "decision_intelligence", "strategy_router", "execution")
    host = Host("a", "t", "sandbox", names, values={"group_router": "mine"})
    of_host, *others = lanes(assignments({"a": host})["a"])
    assert [task.claim for task in of_host] == ["running_what_was_deployed", "stays_up", "confined"]
    found = {lane[0].flow.service: [task.claim for task in lane] for lane in others}
    assert list(found) == ["p35-decision-intelligence", "ai-strategy-router", "execution"]
    for claims in found.values():
        assert claims[:3] == ["effect_flows", "backlog_drains", "nothing_lost_nothing_doubled"]
    assert "one_terminal_state" in found["execution"]
    flow = next(lane[0].flow for lane in others if lane[0].flow.service == "ai-strategy-router")
    assert (flow.stream, flow.group) == ("quantum:stream:ai.decision.made", "mine")


def test_one_service_s_group_on_two_hosts_is_checked_once_and_another_service_s_beside_it():
    hosts = {
        "a": Host("a", "t", "sandbox", ("strategy_router",)),
        "b": Host("b", "t", "sandbox", ("strategy_router", "execution")),
    }
    plan = assignments(hosts)
    assert {task.flow.service for task in plan["a"]} == {"", "ai-strategy-router"}
    assert {task.flow.service for task in plan["b"]} == {"", "execution"}
