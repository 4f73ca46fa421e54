"""least_rights over real servers: a user with its rules, with a right more and with one less."""

from __future__ import annotations

import pytest
import redis as redis_py

import proofs
from harness.host import Host
from proofs import least_rights
from proofs.finding import Verdict
from proofs.least_rights import check, gather
from roles import redis_logins, redis_users
from tests.proofs.conftest import ANALYTICS
from tests.proofs.trading import EXECUTING, ROUTING

FLOWS = (ANALYTICS, ROUTING, EXECUTING)


@pytest.fixture
def users(server, client):
    """Make the users, and connect one consumer of each group as its own; gives a login."""
    open_links = []

    def login(service, name="red-1"):
        link = redis_py.Redis(
            unix_socket_path=str(server), username=service, password="secret", client_name=name
        )
        open_links.append(link)
        return link

    grants = redis_logins.users(Host("red", "tests", "sandbox", ()))
    for flow in FLOWS:
        rules = redis_users.rules(grants[flow.service])
        client.execute_command(f"ACL SETUSER {flow.service} reset on >secret", *split(rules))
        client.xgroup_create(flow.stream, flow.group, "0", mkstream=True)
        login(flow.service).ping()
    yield login
    for link in open_links:
        link.close()
    for flow in FLOWS:
        client.execute_command("ACL DELUSER", flow.service)


def split(rules):
    """Return the words of rules, each selector as one."""
    root, *selectors = rules.split(" (")
    return [*root.split(" "), *(f"({each}" for each in selectors)]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.service)
def test_the_rules_of_each_role_are_proved_and_a_refused_command_is_refused(
    users, client, scene_of, flow
):
    evidence = gather(scene_of(client, flow=flow))
    assert check(evidence).verdict is Verdict.proved
    assert len(evidence["refused"]) > len(least_rights.NOBODY)
    theirs = users(flow.service)
    for words in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("XADD", flow.stream, "*", "a", "b"),
                  ("DEL", "quantum:trading:kill_switch")):  # fmt: skip
        with pytest.raises(redis_py.exceptions.NoPermissionError):
            theirs.execute_command(*words)
    # a script is no way around it
    with pytest.raises(redis_py.ResponseError, match=r"permissions|ACL|can't (run|access)"):
        theirs.eval("return redis.call('FLUSHALL')", 0)
    with pytest.raises(redis_py.ResponseError, match=r"permissions|ACL|can't (run|access)"):
        theirs.eval("return redis.call('DEL', KEYS[1])", 1, flow.stream)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("+flushall", "may FLUSHALL"),
        ("+@all", "may CONFIG GET requirepass"),
        ("(+xadd ~quantum:stream:*)", "may XADD quantum:stream:ai.decision.made * f v"),
        ("(+del ~*)", "may DEL quantum:trading:kill_switch"),
        ("allkeys", "may EVAL return 0 1 another:key"),
        ("clearselectors", "may not XREADGROUP"),
        ("-eval", "may not EVAL"),
        ("reset", "may not XREADGROUP"),
    ],
)
def test_one_right_too_many_or_too_few_is_refuted(users, client, scene_of, rule, told):
    scene = scene_of(client, flow=ROUTING)
    client.execute_command("ACL SETUSER", ROUTING.service, rule)
    finding = check(gather(scene))
    assert finding.verdict is Verdict.refuted
    assert [reason for reason in finding.reasons if told in reason]


def test_without_such_a_user_it_is_refuted(users, client, scene_of):
    client.execute_command("ACL DELUSER", ROUTING.service)
    assert check(gather(scene_of(client, flow=ROUTING))).verdict is Verdict.refuted


def test_a_consumer_that_has_every_right_is_told(users, server, client, scene_of):
    with redis_py.Redis(unix_socket_path=str(server), client_name="red-2") as other:
        client.xadd(ROUTING.stream, {"a": "b"})
        other.xreadgroup(ROUTING.group, "red-2", {ROUTING.stream: ">"}, count=1)
        finding = check(gather(scene_of(client, flow=ROUTING)))
    assert finding.verdict is Verdict.refuted
    assert finding.reasons == ("red-2 is connected as default",)


def test_rules_that_nobody_was_seen_to_log_in_by_are_no_proof(users, client, scene_of):
    evidence = gather(scene_of(client, flow=ROUTING)) | {"logged_in": []}
    assert check(evidence).verdict is Verdict.unknown
    assert check(evidence | {"refused": {}}).verdict is Verdict.unknown


def test_a_service_that_nobody_has_thought_about_is_unknown(client, scene_of):
    from proofs.scene import Flow

    client.xgroup_create("s", "g", "0", mkstream=True)
    (result,) = proofs.run(["least_rights"], scene_of(client, flow=Flow("new", "s", "g")))
    assert result.finding.verdict is Verdict.unknown
    assert "nobody has said what new may not do" in result.finding.reasons[0]
