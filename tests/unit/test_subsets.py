"""--only: a part of a host, what it cannot do without, and nothing that is another service's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import roles
from commands.choosing import Chosen
from commands.proving import assignments
from commands.services_of import narrowed
from commands.wanting import wanted
from harness.desired import CREDENTIALS, compose
from harness.errors import ConfigurationError
from harness.resources import Credential, Directory, File, Package, Release, Unit
from harness.subsets import cut, of_services
from proofs import attesting
from tests.unit.rendered_roles import CONFIG, CONSUMERS, ENV, HOST, UNIT, desired, having
from tests.unit.test_planning import Secret, render

SERVICE = "p35-decision-intelligence"
ALL = {each for role in roles.REGISTRY.values() for each in role.SERVICES}


def part(*only: str, host=HOST):
    chosen = [
        each for role in roles.of(host)
        for each in of_services(role.resources(host), role.SERVICES, frozenset(only))
    ]  # fmt: skip
    return cut(desired(host), chosen)


def test_a_part_is_its_unit_env_and_credentials_with_the_release_and_every_parent():
    whole, one = desired(), part(SERVICE)
    names = [each.path for each in one.paths if each.kind != "dir"]
    assert names == [
        ENV, f"{CREDENTIALS}/{SERVICE}/redis_password", UNIT,
        f"/etc/systemd/system/multi-user.target.wants/{UNIT.rpartition('/')[2]}",
    ]  # fmt: skip
    folders = {each.path for each in one.paths if each.kind == "dir"}
    assert {"/etc/quantum", CREDENTIALS, f"{CREDENTIALS}/{SERVICE}"} <= folders
    assert "/opt/quantum/releases" in folders
    assert (one.release, one.modules, one.packages) == (whole.release, whole.modules, ())
    assert [each.service for each in one.units] == [SERVICE]


def test_a_part_without_a_release_asks_for_none_and_takes_what_its_unit_follows():
    one = part("redis-server")
    assert (one.release, one.packages) == ("", ("redis-server",))
    assert CONFIG in {each.path for each in one.paths}
    assert "/etc/quantum/redis/newest-data.sh" in {each.path for each in one.paths}
    assert "/opt/quantum/releases" not in {each.path for each in one.paths}


def test_the_parts_together_are_the_whole_and_share_nothing_but_directories():
    whole, parts = desired(), [part(each) for each in sorted(ALL)]
    files = [p.path for one in parts for p in one.paths if p.kind != "dir"]
    assert sorted(files) == sorted(p.path for p in whole.paths if p.kind != "dir")
    assert part(*ALL) == whole


def test_a_part_is_to_the_byte_what_all_of_it_would_be():
    whole = {one.path: one for one in desired().paths}
    for service in ALL:
        assert all(whole[one.path] == one for one in part(service).paths)


def test_of_a_role_with_two_services_the_other_ones_own_things_stay_out():
    resources = (
        Package("p"), Release("consumers.x"), Directory("/srv/shared", 0o700),
        File("/etc/a", b"a"), Credential("one", "key", Secret("1")),
        Credential("two", "key", Secret("2")), Unit("one.service", "units/x.j2", "one"),
        Unit("two.service", "units/x.j2", "two", follows=("/etc/a",)),
    )  # fmt: skip
    whole = compose(HOST, resources, "d" * 64, render)
    one = cut(whole, of_services(resources, ("one", "two"), frozenset({"one"})))
    paths = {each.path for each in one.paths}
    assert [each.name for each in one.units] == ["one.service"]
    assert {"/srv/shared", "/etc/a", f"{CREDENTIALS}/one/key"} <= paths
    assert not {path for path in paths if "two" in path}
    # what a role without a service asks for is everybody's
    assert of_services(resources[:2], (), frozenset({"one"})) == resources[:2]
    assert of_services(resources, ("three",), frozenset({"one"})) == ()


def test_a_part_is_deployed_with_the_release_that_the_whole_host_would_have(monkeypatch):
    host = having(exchange="binance_futures", exchange_api_key=Secret("k" * 9),
                  exchange_api_secret=Secret("s" * 9))  # fmt: skip
    asked = []

    def build(target, _sources):
        asked.append(target)
        return SimpleNamespace(digest="e" * 64)

    monkeypatch.setattr("harness.releases.target_of", lambda facts, extra: extra)
    monkeypatch.setattr("harness.releases.build", build)
    monkeypatch.setattr("commands.wanting._built", {})
    wanted(host, {})
    only = wanted(host, {}, only=frozenset({SERVICE}))
    assert asked == ["exchange"]  # the part finds it built
    assert only.only == (SERVICE,)
    assert wanted(host, {}, only=frozenset({"redis-server"})).release is None


def chosen(*hosts):
    return Chosen(SimpleNamespace(name="t"), hosts)


def test_names_may_be_said_again_or_between_commas_and_hosts_without_any_are_left_out():
    redis = having()
    redis = type(redis)("db2", "lab", "testnet", ("redis_server",), values=redis.values)
    found, only = narrowed(chosen(HOST, redis), [f"{SERVICE}, execution", "execution"])
    assert only == {SERVICE, "execution"}
    assert [host.name for host in found.hosts] == ["db1"]
    found, only = narrowed(chosen(HOST, redis), [])
    assert (len(found.hosts), only) == (2, frozenset())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("executoin", 'did you mean "execution"'),
        ("ai-strategy-router", "no chosen host has the service ai-strategy-router"),
        ("execution,", 'there is no service ""'),
        ("", 'there is no service ""'),
    ],
)
def test_what_is_no_service_or_nobodys_is_a_configuration_error(typed, told):
    host = type(HOST)("db2", "lab", "testnet", ("redis_server", "execution"), values=HOST.values)
    with pytest.raises(ConfigurationError) as refused:
        narrowed(chosen(host), [typed])
    assert told in refused.value.cause
    assert refused.value.exit_code == 3


def test_the_gate_asks_of_the_chosen_services_alone_and_never_of_none():
    asked = assignments({"db1": HOST}, gate=True, services={"db1": {SERVICE}})["db1"]
    assert {task.flow.service for task in asked} == {"", SERVICE}
    for service in ALL:
        assert assignments({"db1": HOST}, gate=True, services={"db1": {service}})["db1"]
    assert not assignments({"db1": HOST}, gate=True, services={"db1": set()})["db1"]


def test_testimony_about_a_part_is_of_its_paths_and_units():
    other = CONSUMERS["execution"][1]
    manifest = {path: {"kind": "file", "sha256": "1"} for path in (ENV, UNIT, other)}
    asked = {}

    def attest(*, releases, paths, units):
        asked.update(units=list(units), paths=paths)
        return {"manifest": manifest, "paths": {path: {} for path in paths}, "units": units}

    agent = SimpleNamespace(attest=attest, observe=lambda *, paths, **_: {"paths": {}})
    said = attesting.attest(agent, {ENV, UNIT})
    assert asked == {"units": [UNIT.rpartition("/")[2]], "paths": sorted([ENV, UNIT])}
    assert sorted(said["manifest"]) == sorted([ENV, UNIT])
    assert len(attesting.attest(agent)["manifest"]) == 3
