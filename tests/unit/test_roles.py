"""What the roles ask of a host, as properties of what would be placed on it."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

import proofs
import roles
from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret
from harness.resources import Package, Unit
from roles import execution
from roles.stream_consumer import StreamConsumer
from tests.contexts import defaults
from tests.unit.rendered_roles import (
    CONFIG,
    CONSUMERS,
    ENV,
    EXECUTION_ENV,
    EXECUTION_UNIT,
    HOST,
    PASSWORD,
    UNIT,
    desired,
    environment,
    having,
    text,
)


def test_a_role_is_a_module_with_what_the_protocol_says():
    for name, role in roles.REGISTRY.items():
        assert set(role.GATE) <= set(role.PROOFS), name
        assert set(role.PROOFS) <= set(proofs.REGISTRY), name
        units = [each for each in role.resources(HOST) if isinstance(each, Unit)]
        assert {unit.service for unit in units} == set(role.SERVICES), name


def test_redis_comes_before_what_needs_it_whatever_the_inventory_says():
    assert [unit.service for unit in desired().units] == [
        "redis-server",
        "p35-decision-intelligence",
        "ai-strategy-router",
        "execution",
    ]


def test_an_unknown_role_suggests_one_there_is():
    with pytest.raises(ConfigurationError, match='did you mean "redis_server"') as caught:
        roles.of(replace(HOST, roles=("redis_sever",)))
    assert caught.value.host == "db1"


def test_modes_and_owners_are_as_the_contract_says():
    placed = {one.path: (one.mode, one.owner, one.group) for one in desired().paths}
    assert placed[ENV] == (0o640, "root", "root")
    assert placed[CONFIG] == (0o640, "redis", "redis")
    credential = "/etc/quantum/credentials/p35-decision-intelligence/redis_password"
    assert placed[credential] == (0o600, "root", "root")
    assert placed["/etc/quantum/credentials/p35-decision-intelligence"][0] == 0o700


def test_the_password_stands_in_the_credentials_alone_and_redis_gets_its_digest():
    holding = {one.path for one in desired().paths if b"pass word" in one.content}
    services = ("p35-decision-intelligence", "ai-strategy-router", "execution")
    assert holding == {f"/etc/quantum/credentials/{service}/redis_password" for service in services}
    # what a password's digest could be tried against is no diff for everybody's eyes
    assert all(one.secret for one in desired().paths if one.path in {*holding, CONFIG})


def known(role: str) -> dict[str, str]:
    """The settings of the role's consumer: name -> default, both as in an env file."""
    return defaults(import_module(f"consumers.{role}").CONSUMER.settings)


@pytest.mark.parametrize("role", CONSUMERS)
def test_every_setting_in_the_env_file_is_one_the_consumer_knows(role):
    """The consumer stops at a name it does not know; the file lists its own names for that."""
    from consumers.loop.settings import CARRIED

    given = environment(env=CONSUMERS[role][0])
    assert set(given) <= set(known(role)) | set(CARRIED)
    named = given["QUANTUM_ENV_NAMES"].split(",")
    assert set(named) == set(given) - {"QUANTUM_ENV_NAMES", "QUANTUM_ENV_DIGEST"}


#: Never in a plain env file: secrets, what is for tests, what is not there yet, and what an
#: executor's unit says of itself.
UNSAID = {"REDIS_PASSWORD", "REDIS_SENTINELS", "QUANTUM_FAILPOINTS"}
UNSAID_OF_EXECUTION = {
    "CONSUMER_NAME", "METRICS_PORT", "EXCHANGE_API_KEY", "EXCHANGE_API_SECRET",
}  # fmt: skip


@pytest.mark.parametrize("role", CONSUMERS)
def test_every_setting_of_the_consumer_can_be_given_by_the_inventory(role):
    unsaid = UNSAID | (UNSAID_OF_EXECUTION if role == "execution" else set())
    assert set(known(role)) - unsaid <= set(environment(env=CONSUMERS[role][0]))


def test_defaults_are_those_of_the_contract():
    given = environment(replace(HOST, values={}, roles=("decision_intelligence",)))
    assert given["REDIS_HOST"] == "localhost"
    assert given["REDIS_PORT"] == "6379"
    assert given["STREAM_APPLY_RESULT"] == "quantum:stream:apply.result"
    assert given["GROUP_DECISION_INTELLIGENCE"] == "p35_decision_intel"
    assert given["ENABLE_SYMBOL_BREAKDOWN"] == "true"
    assert given["SNAPSHOT_INTERVAL_S"] == "60"
    assert given["BATCH_SIZE"] == "1000"
    assert given["CLAIM_IDLE_MS"] == "5000"


@pytest.mark.parametrize("role", CONSUMERS)
def test_the_defaults_of_the_role_are_the_consumers_own(role):
    bare = replace(HOST, values={}, roles=(role,))
    for name, value in environment(bare, CONSUMERS[role][0]).items():
        if name not in {"CONSUMER_NAME", "QUANTUM_MODE"} and name in known(role):
            assert value.strip('"') == known(role)[name], name


def test_the_consumers_name_is_stable_and_can_be_given():
    assert environment()["CONSUMER_NAME"] == "db1-1"
    assert environment(having(consumer_name="old-name"))["CONSUMER_NAME"] == "old-name"


def test_the_mode_is_the_inventorys_and_nobody_elses():
    assert environment(having(quantum_mode="live"))["QUANTUM_MODE"] == "testnet"


def test_without_a_password_there_is_no_credential():
    host = replace(HOST, values={}, roles=("decision_intelligence",))
    assert "LoadCredential" not in text(UNIT, host)
    assert not [one for one in desired(host).paths if "credentials/" in one.path]


def test_the_unit_runs_the_release_by_digest():
    unit = text(UNIT)
    assert f"WorkingDirectory=/opt/quantum/releases/{'a' * 64}\n" in unit
    command = "ExecStart=/usr/bin/python3 -B -s -E -S -m consumers.decision_intelligence\n"
    assert command in unit
    assert f"ExecPaths=/usr/bin /usr/lib /opt/quantum/releases/{'a' * 64}\n" in unit


def test_the_unit_keeps_the_users_limits():
    unit = text(UNIT)
    assert "MemoryMax=256M\n" in unit
    assert "CPUQuota=20%\n" in unit


def test_the_firewall_lets_through_redis_and_loopback_alone():
    assert re.findall("^IPAddress.*$", text(UNIT), re.MULTILINE) == [
        "IPAddressDeny=any", "IPAddressAllow=localhost", "IPAddressAllow=10.0.0.1",
    ]  # fmt: skip
    assert "IPAddressAllow=127" not in text(UNIT, having(redis_host="127.0.0.1"))


def test_no_line_of_a_unit_ends_in_a_comment():
    """systemd takes it for a part of the value."""
    for one in desired().paths:
        if one.path.endswith((".service", ".conf")) and one.kind == "file":
            for line in one.content.decode().splitlines():
                assert line.startswith(("#", "user ")) or "#" not in line


def test_redis_keeps_what_it_acknowledged():
    config = text(CONFIG).splitlines()
    assert "appendonly yes" in config
    assert "appendfsync everysec" in config
    assert "maxmemory-policy noeviction" in config
    assert "protected-mode yes" in config
    assert "dir ." in config
    assert not [line for line in config if line.startswith("daemonize")]


@pytest.mark.parametrize(
    ("values", "bind"),
    [
        ({"redis_host": "localhost"}, "bind 127.0.0.1 -::1"),
        ({"redis_host": "::1"}, "bind 127.0.0.1 -::1"),
        ({"redis_host": "10.0.0.1"}, "bind 127.0.0.1 -::1 10.0.0.1"),
        ({"redis_bind": "10.0.0.9 -fe80::1"}, "bind 10.0.0.9 -fe80::1"),
    ],
)
def test_redis_listens_on_loopback_and_the_named_address_alone(values, bind):
    assert bind in text(CONFIG, having(**values)).splitlines()


def test_redis_is_restarted_when_its_configuration_changes():
    def digest(host: Host) -> str:
        (unit,) = [each for each in desired(host).units if each.service == "redis-server"]
        return unit.digests["QUANTUM_UNIT_DIGEST"]

    assert digest(HOST) != digest(having(redis_maxmemory="1gb"))
    assert digest(HOST) != digest(having(redis_password=Secret("another")))
    assert digest(HOST) == digest(having(snapshot_interval_s=5))


def test_redis_comes_as_debians_package():
    (role,) = (roles.REGISTRY["redis_server"],)
    assert Package("redis-server") in list(role.resources(HOST))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"redis_password": None}, "redis_password is missing"),
        ({"redis_port": "6379"}, "redis_port must be a whole number"),
        ({"redis_port": True}, "redis_port must be a whole number"),
        ({"redis_port": 0}, "redis_port must be"),
        ({"redis_port": 70_000}, "redis_port must be a port"),
        ({"redis_host": "db.example.org"}, "redis_host must be an IP address or localhost"),
        ({"redis_bind": "eth0"}, "redis_bind must be IP addresses"),
        ({"redis_maxmemory": "lots"}, "redis_maxmemory must be a size"),
        ({"redis_maxmemory": 5}, "redis_maxmemory must be text"),
        ({"snapshot_interval_s": 0}, "snapshot_interval_s must be 1 or more"),
        ({"snapshot_interval_s": "soon"}, "snapshot_interval_s must be a whole number"),
        ({"enable_symbol_breakdown": "yes"}, "enable_symbol_breakdown must be true or false"),
        ({"log_level": "INFO\nX=1"}, "log_level holds a control character"),
        ({"consumer_name": "a\tb"}, "consumer_name holds a control character"),
        ({"max_deliveries": 0}, "max_deliveries must be 1 or more"),
        ({"alert_high": "much"}, "alert_high must be a number"),
        ({"rate_limit_per_symbol": -1}, "rate_limit_per_symbol must be 0 or more"),
        ({"strategy_router_metrics_port": 70_000}, "metrics_port must be a number from 0 to 65534"),
        ({"execution_instances": 0}, "execution_instances must be a number from 1 to 64"),
        ({"execution_instances": True}, "execution_instances must be a whole number"),
        ({"execution_metrics_port": 65_535}, "metrics_port must be a number from 0 to 65534"),
        ({"start_at": "now"}, "start_at must be backlog or new"),
        ({"exchange": "mtgox"}, "exchange must be paper or binance_futures"),
        ({"exchange": "binance_futures"}, "exchange_api_key is missing"),
    ],
)
def test_a_bad_value_is_refused_by_host_and_name(values, words):
    with pytest.raises(ConfigurationError) as caught:
        desired(having(**values))
    error = caught.value
    assert words in error.cause
    assert error.host == "db1"
    assert "inventory lab" in error.action or ": env:NAME" in error.action
    assert PASSWORD not in str(error)


def test_two_renderings_are_the_same():
    assert desired() == desired()


# ---- one function for all consumers


def test_a_new_consumers_role_is_its_names_and_its_own_settings():
    role = StreamConsumer(
        name="fills_by_symbol",
        service="fills-by-symbol",
        description="fills by symbol",
        READS=("stream_execution_result", "group_fills"),
        own={"stream_execution_result": "s", "group_fills": "g", "fills_ttl_s": 604_800},
    )
    given = [each for each in role.resources(HOST) if isinstance(each, Unit)]
    assert [each.name for each in given] == ["quantum-fills-by-symbol.service"]
    assert role.GATE == ("running_what_was_deployed", "stays_up", "backlog_drains")
    assert role.VARIABLES["fills_ttl_s"] == 604_800
    assert role.VARIABLES["max_deliveries"] == 5


def test_metrics_ports_are_each_roles_own():
    """Services of one host cannot share a port."""
    host = having(
        decision_intelligence_metrics_port=9100,
        strategy_router_metrics_port=9110,
        execution_metrics_port=9120,
    )
    for role, port in (("decision_intelligence", "9100"), ("strategy_router", "9110")):
        assert environment(host, CONSUMERS[role][0])["METRICS_PORT"] == port
    assert "Environment=METRICS_PORT=9121\n" in text(EXECUTION_UNIT, host)


# ---- execution: instances, the gates to trading, the way to an exchange


def test_instances_share_an_env_file_and_have_names_and_ports_of_their_own():
    host = having(execution_instances=3, execution_metrics_port=9120)
    assert "CONSUMER_NAME" not in environment(host, EXECUTION_ENV)
    for number in (1, 2, 3):
        unit = text(EXECUTION_UNIT.replace("@1", f"@{number}"), host)
        assert f"Environment=CONSUMER_NAME=db1-{number}\n" in unit
        assert f"Environment=METRICS_PORT={9120 + number}\n" in unit
        assert "EnvironmentFile=/etc/quantum/execution.env\n" in unit
    units = [unit.name for unit in desired(host).units if unit.service == "execution"]
    assert units == [f"quantum-execution@{number}.service" for number in (1, 2, 3)]
    assert list(roles.units(execution.ROLE, host)) == units


def test_without_a_metrics_port_no_instance_has_one():
    assert "Environment=METRICS_PORT=0\n" in text(EXECUTION_UNIT)


def test_a_plain_deploy_drains_and_trades_nothing():
    given = environment(env=EXECUTION_ENV)
    assert (given["SAFE_DRAIN"], given["TRADING_ENABLED"]) == ("true", "false")


@pytest.mark.parametrize("values", [{"safe_drain": False}, {"trading_enabled": True},
                                    {"safe_drain": "false"}, {"trading_enabled": 1}])  # fmt: skip
def test_no_inventory_opens_a_gate_to_trading(values):
    with pytest.raises(ConfigurationError, match="is not for an inventory to open") as caught:
        desired(having(**values))
    assert "invoke trading.enable" in caught.value.action


def test_an_inventory_may_say_that_the_gates_are_shut():
    given = environment(having(safe_drain=True, trading_enabled=False), EXECUTION_ENV)
    assert given["SAFE_DRAIN"] == "true"


def test_trading_opens_the_gates_and_changes_one_file_alone():
    given = environment(execution.trading(HOST), EXECUTION_ENV)
    assert (given["SAFE_DRAIN"], given["TRADING_ENABLED"]) == ("false", "true")
    assert given["QUANTUM_MODE"] == "testnet"
    shut = {one.path: one for one in desired().paths}
    opened = {one.path: one for one in desired(execution.trading(HOST)).paths}
    assert [path for path in shut if shut[path] != opened[path]] == [EXECUTION_ENV]


def test_no_inventory_can_say_what_trading_says(tmp_path):
    from harness.inventory import load

    file = tmp_path / "sly.yml"
    file.write_text(
        f"all: {{vars: {{mode: testnet, {execution.TRADING}: testnet}}, hosts: {{db1: }}}}"
    )
    with pytest.raises(ConfigurationError, match="is no name for a variable"):
        load(str(file), roles.variables(), frozenset(roles.REGISTRY))


def test_trading_is_refused_where_it_can_have_no_effect():
    with pytest.raises(ConfigurationError, match="mode is sandbox"):
        execution.trading(replace(HOST, mode="sandbox"))
    with pytest.raises(ConfigurationError, match="execution is not among its roles"):
        execution.trading(replace(HOST, roles=("strategy_router",)))


def test_a_rehearsal_is_for_sandboxes_and_on_paper_alone():
    sandbox = replace(HOST, mode="sandbox")
    given = environment(execution.rehearsing(sandbox), EXECUTION_ENV)
    assert (given["QUANTUM_MODE"], given["SAFE_DRAIN"], given["EXCHANGE"]) == (
        "testnet", "false", "paper",
    )  # fmt: skip
    assert execution.rehearsing(HOST) is HOST
    real = replace(sandbox, values={**HOST.values, "exchange": "binance_futures"})
    with pytest.raises(ConfigurationError, match="must be paper where the mode is sandbox"):
        desired(execution.rehearsing(real))


SIMULATED = "http://127.0.0.1:9911"
BOX = replace(HOST, mode="sandbox", sandbox=Path("/somewhere"))


def test_at_the_simulated_exchange_a_directory_of_this_machine_trades_with_made_up_keys():
    there = execution.rehearsing(BOX, SIMULATED)
    given = environment(there, EXECUTION_ENV)
    assert (given["EXCHANGE"], given["EXCHANGE_URL"]) == ("binance_futures", SIMULATED)
    assert (given["QUANTUM_MODE"], given["SAFE_DRAIN"]) == ("testnet", "false")
    made_up = [each for each in desired(there).paths if "exchange_api" in each.path]
    assert {each.content for each in made_up} == {b"simulated-key", b"simulated-secret"}
    unit = next(each for each in desired(there).paths if each.path.endswith("execution@1.service"))
    assert b"IPAddressAllow=localhost" in unit.content
    assert b"IPAddressAllow=any" not in unit.content


@pytest.mark.parametrize(
    "url",
    ["https://fapi.binance.com", "http://192.0.2.1:9911", "http://localhost:9911", "https://127.0.0.1:1",
     "http://127.0.0.1", "http://127.0.0.1:9911/", "http://127.0.0.1:9911@evil.example", "x"],
)  # fmt: skip
def test_no_other_place_is_the_simulated_exchange(url):
    with pytest.raises(ConfigurationError, match="no simulated exchange of this machine"):
        execution.rehearsing(BOX, url)
    slipped = execution.rehearsing(BOX, SIMULATED)
    for name in (execution.SIMULATED, "exchange_url"):
        with pytest.raises(ConfigurationError, match="no simulated exchange"):
            desired(replace(slipped, values={**slipped.values, name: url}))


@pytest.mark.parametrize(
    "changes",
    [{}, {"mode": "testnet", "sandbox": Path("/x")}, {"mode": "live"}, {"mode": "sandbox"}],
)
def test_no_other_host_trades_at_the_simulated_exchange(changes):
    host = replace(HOST, **changes)
    with pytest.raises(ConfigurationError, match="for hosts of this machine, in mode sandbox"):
        execution.rehearsing(host, SIMULATED)
    slipped = execution.rehearsing(BOX, SIMULATED)
    with pytest.raises(ConfigurationError, match="for hosts of this machine, in mode sandbox"):
        desired(replace(host, values=slipped.values))


def test_nobody_elses_keys_go_to_the_simulated_exchange():
    slipped = execution.rehearsing(BOX, SIMULATED)
    with pytest.raises(ConfigurationError, match="no simulated exchange"):
        desired(replace(slipped, values={**slipped.values, "exchange_api_key": Secret("real")}))


KEYS = {"exchange_api_key": Secret("key"), "exchange_api_secret": Secret("other")}


def test_an_exchange_gets_its_keys_as_credentials_and_paper_gets_none():
    host = having(exchange="binance_futures", **KEYS)
    for name in KEYS:
        assert f"LoadCredential={name}:/etc/quantum/credentials/execution/{name}\n" in text(
            EXECUTION_UNIT, host
        )
    assert "exchange_api" not in text(EXECUTION_UNIT, having(**KEYS))
    assert not [one for one in desired(having(**KEYS)).paths if "exchange_api" in one.path]


@pytest.mark.parametrize(
    ("url", "outside"),
    [("", True), ("https://testnet.binancefuture.com", True), ("http://127.0.0.1:8080", False),
     ("http://[::1]:8080", False), ("http://localhost:8080", False),
     ("http://127.0.0.1.example.org:8080", True)],
)  # fmt: skip
def test_only_a_unit_whose_orders_leave_the_machine_goes_without_a_firewall(url, outside):
    unit = text(EXECUTION_UNIT, having(exchange="binance_futures", exchange_url=url, **KEYS))
    assert ("IPAddressDeny=any" not in unit) is outside
    assert "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n" in unit
