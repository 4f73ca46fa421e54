"""What the roles ask of a host, as properties of what would be placed on it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import proofs
import roles
from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret
from harness.resources import Package, Unit
from tests.contexts import defaults
from tests.unit.rendered_roles import (
    CONFIG,
    ENV,
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


def test_the_password_stands_in_the_credential_and_in_redis_conf_alone():
    holding = {one.path for one in desired().paths if b"pass word" in one.content}
    assert holding == {
        CONFIG,
        "/etc/quantum/credentials/p35-decision-intelligence/redis_password",
    }
    assert all(one.secret for one in desired().paths if one.path in holding)


def test_every_setting_in_the_env_file_is_one_the_consumer_knows():
    """The consumer stops at a name it does not know; the file lists its own names for that."""
    from consumers.analytics.settings import Settings
    from consumers.loop.settings import CARRIED

    given = environment()
    assert set(given) <= set(defaults(Settings)) | set(CARRIED)
    named = given["QUANTUM_ENV_NAMES"].split(",")
    assert set(named) == set(given) - {"QUANTUM_ENV_NAMES", "QUANTUM_ENV_DIGEST"}


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


def test_the_defaults_of_the_role_are_the_consumers_own():
    from consumers.analytics.settings import Settings

    known = defaults(Settings)
    for name, value in environment(replace(HOST, values={}, roles=HOST.roles[:1])).items():
        if name not in {"CONSUMER_NAME", "QUANTUM_MODE"} and name in known:
            assert value == known[name], name


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
    command = "ExecStart=/usr/bin/python3 -B -s -E -m consumers.decision_intelligence\n"
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
                assert line.startswith("#") or "#" not in line or "requirepass" in line


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
    ],
)
def test_a_bad_value_is_refused_by_host_and_name(values, words):
    with pytest.raises(ConfigurationError) as caught:
        desired(having(**values))
    error = caught.value
    assert words in error.cause
    assert error.host == "db1"
    assert "inventory lab" in error.action or "redis_password:" in error.action
    assert PASSWORD not in str(error)


def test_two_renderings_are_the_same():
    assert desired() == desired()
