"""Each service's Redis user: what its work needs and no more, under a password of its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest

import roles
from harness.errors import ConfigurationError
from harness.masking import Secret
from roles import redis_logins, redis_users
from streams import intents, keys, routing, scripting
from tests.unit.rendered_roles import CONFIG, CONSUMERS, HOST, desired, environment, having, text

SERVICES = {"decision_intelligence": "p35-decision-intelligence",
            "strategy_router": "ai-strategy-router", "execution": "execution"}  # fmt: skip
ACL = having(redis_acl=True)
#: The scripts that consumers run: each of them, and each for itself.
EVERY = ("alert", "beat", "give_up", "guard", "join", "leave", "lost", "reclaim")
SCRIPTS = {
    "p35-decision-intelligence": ("count", "peek"),
    "ai-strategy-router": ("route",),
    "execution": ("begin", "finish", "keep", "note", "reconcile", "remember", "skip_backlog",
                  "watch"),
}  # fmt: skip
#: What they send beside scripts, so that each command in a rule has somebody who needs it.
SENT_BY_ALL = {
    "xreadgroup",
    "xread",
    "xrange",
    "hset",
    "xinfo|stream",
    *redis_users.OF_A_CONNECTION,
}
SENT = {
    "p35-decision-intelligence": {"hgetall", "del", "hset", "zadd", "expire"},
    "ai-strategy-router": set(),
    "execution": {"hget", "hgetall", "hset", "smembers", "zrangebyscore"},
}
CALL = re.compile(r"""redis\.p?call\(\s*'([A-Z]+)'(?:,\s*'([A-Z]+)')?""")


def commands_of(scripts):
    found = set()
    for name in scripts:
        for command, second in CALL.findall(scripting.load(name).text):
            sub = second and command in {"XINFO", "XGROUP"}
            found.add(f"{command}|{second}".lower() if sub else command.lower())
    return found


def granted(service, host=ACL):
    return {each for grant in redis_logins.users(host)[service] for each in grant.commands} | set(
        redis_users.OF_A_CONNECTION
    )


@pytest.mark.parametrize("service", SCRIPTS)
def test_a_user_is_granted_what_its_scripts_and_its_program_do_and_no_command_more(service):
    needed = commands_of((*EVERY, *SCRIPTS[service]))
    assert needed <= granted(service)
    assert granted(service) == needed | SENT_BY_ALL | SENT[service]


def test_the_keys_are_those_that_consumers_and_proofs_know():
    for service, own in {
        "p35-decision-intelligence": {keys.STATUS, keys.bucket("*"), keys.UNKNOWN_DECISIONS},
        "ai-strategy-router": {routing.STATUS, routing.dedup("*"), routing.published("*")},
        "execution": {
            intents.STATUS, intents.standing("*"), intents.record("*"), intents.KILL_SWITCH,
            intents.EXPOSURE, intents.OPEN_SYMBOLS, intents.ORDER_RATE, intents.LEVERAGE,
            intents.PROTECTED, intents.protected_of("*"), intents.SKIPPED,
        },
    }.items():  # fmt: skip
        of = {key for grant in redis_logins.users(ACL)[service] for key in grant.keys}
        assert own | {keys.ALERTS} <= of


@pytest.mark.parametrize("role", CONSUMERS)
def test_a_service_logs_in_under_its_name_with_a_password_that_is_its_own(role):
    service = SERVICES[role]
    assert environment(ACL, CONSUMERS[role][0])["REDIS_USERNAME"] == service
    path = f"/etc/quantum/credentials/{service}/redis_password"
    kept = next(one for one in desired(ACL).paths if one.path == path).content.strip()
    (line,) = [each for each in text(CONFIG, ACL).splitlines() if f"user {service} " in each]
    assert f"#{hashlib.sha256(kept).hexdigest()} " in line
    assert HOST.values["redis_password"].reveal() not in kept


def test_no_two_users_share_a_password_and_none_stands_in_redis_conf():
    password = Secret("correct-horse")
    derived = {redis_users.password_of(password, each).reveal() for each in SERVICES.values()}
    assert len(derived) == len(SERVICES)
    lines = "\n".join(redis_users.lines(password, redis_logins.users(ACL)))
    assert not [each for each in (*derived, b"correct-horse") if each in lines.encode()]


def test_without_the_variable_all_is_as_it_was_one_user_with_every_right():
    assert [each for each in text(CONFIG).splitlines() if each.startswith("user ")] == [
        redis_users.lines(HOST.values["redis_password"], {})[0]
    ]
    assert environment()["REDIS_USERNAME"] == ""
    assert environment(having(redis_username="ours"))["REDIS_USERNAME"] == "ours"


def test_a_stream_by_another_name_is_granted_by_that_name():
    (line,) = [
        each for each in text(CONFIG, having(redis_acl=True, stream_trade_intent="other:intent"))
        .splitlines() if each.startswith("user execution ")
    ]  # fmt: skip
    assert "~other:intent " in line
    assert "quantum:stream:trade.intent" not in line.replace("execution:trade.intent", "")


@pytest.mark.parametrize("name", ["a stream", "all*", "x)", "q[ab]", "one?", "back\\slash"])
def test_a_name_that_a_rule_would_read_as_more_is_refused(name):
    with pytest.raises(ConfigurationError, match="cannot stand in a rule") as caught:
        desired(having(redis_acl=True, stream_apply_result=name))
    assert "stream_apply_result" in caught.value.cause


def test_a_password_is_needed_where_users_are_wanted():
    bare = replace(HOST, values={"redis_acl": True}, roles=("execution",))
    with pytest.raises(ConfigurationError, match="redis_password is missing"):
        desired(bare)


def two(server=None, worker=None):
    both = {"redis_host": "10.0.0.1", "redis_acl": True}
    return (
        replace(HOST, name="store", roles=("redis_server",), values={**both, **(server or {})}),
        replace(HOST, name="worker", roles=("execution",), values={**both, **(worker or {})}),
    )


def test_hosts_that_agree_on_their_redis_pass():
    redis_logins.refuse_strangers(two())
    redis_logins.refuse_strangers(two(worker={"redis_acl": False, "stream_trade_intent": "x"}))
    redis_logins.refuse_strangers(two({"redis_acl": False}, {"redis_host": "10.0.0.9"}))
    # each its own Redis, on itself
    here = {"redis_host": "localhost"}
    redis_logins.refuse_strangers(two(here, {**here, "stream_trade_intent": "x"}))


@pytest.mark.parametrize(
    ("server", "worker", "name"),
    [
        ({"redis_acl": False}, {}, "redis_acl"),
        ({}, {"stream_trade_intent": "x"}, "stream_trade_intent"),
        ({"group_execution": "g"}, {}, "group_execution"),
    ],
)
def test_a_service_that_its_redis_would_not_know_is_refused_before_anything_changes(
    server, worker, name
):
    with pytest.raises(ConfigurationError, match=f"{name} differs from what store has") as caught:
        redis_logins.refuse_strangers(two(server, worker))
    assert caught.value.host == "worker"
    assert name in caught.value.action


def test_every_consumer_there_is_has_a_user():
    assert set(redis_logins.users(ACL)) == {
        role.SERVICES[0] for role in roles.REGISTRY.values() if role.READS
    }


DISAGREEING = """\
all:
  vars:
    {mode: testnet, redis_host: 10.0.0.1, redis_password: "env:QUANTUM_TEST_PW", redis_acl: true}
  hosts:
    store: {roles: [redis_server]}
    worker: {roles: [execution], stream_trade_intent: "elsewhere:intent"}
"""


def test_plan_and_deploy_refuse_it_even_where_the_redis_host_is_not_among_the_chosen(
    tmp_path, monkeypatch
):
    from commands import choosing, deploy

    monkeypatch.setenv("QUANTUM_TEST_PW", "correct-horse")
    file = tmp_path / "two.yml"
    file.write_text(DISAGREEING)
    assert choosing.choose(None, str(file), "worker").hosts
    assert deploy.choose is choosing.choose_to_deploy
    with pytest.raises(ConfigurationError, match="stream_trade_intent differs"):
        deploy.choose(None, str(file), "worker")


def test_the_claim_is_made_once_for_each_service_and_only_where_users_are_wanted():
    from commands.proving import assignments

    def asked(gate, **values):
        plan = assignments({"a": having(**values), "b": having(**values)}, gate=gate)
        return [
            t.flow.service for tasks in plan.values() for t in tasks if t.claim == "least_rights"
        ]

    for gate in (True, False):
        assert asked(gate) == []
        assert asked(gate, redis_acl=False) == []
        assert set(asked(gate, redis_acl=True)) == set(SCRIPTS)
        assert len(asked(gate, redis_acl=True)) == len(SCRIPTS)
