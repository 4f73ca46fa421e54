"""What goes from a host, and what stays although no role asks for it any more."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import roles
from commands import guarding, terms
from commands.stores import executors
from harness import removing
from harness.agent import users
from harness.agent.failing import AgentError
from harness.desired import compose
from harness.errors import ConfigurationError
from harness.manifests import service_of, told_openly, unit_of
from harness.planning import Observation, plan
from harness.rendering import render
from harness.resources import Absent, File, SystemUser
from tests.unit.rendered_roles import EXECUTION_ENV, HOST, having
from tests.unit.test_planning import applied, nothing_there

TWO = having(execution_instances=2)
SECOND = "quantum-execution@2.service"


def wanted(host):
    return compose(host, roles.resources(host), "a" * 64, render)


def without(*names: str, host=HOST):
    left = tuple(name for name in host.roles if name not in names)
    return replace(host, roles=left, absent=names)


def standing(host) -> Observation:
    """What a host looks like once it is what was wanted; its texts are told where it may be."""
    desired = wanted(host)
    seen = applied(nothing_there(desired), desired)
    texts = {
        one.path: {**seen.paths[one.path], "text": one.content.decode()}
        for one in desired.paths
        if one.kind == "file" and told_openly(one.path)
    }
    return replace(seen, paths={**seen.paths, **texts})


def test_a_path_tells_its_service_wherever_a_role_places_it():
    desired = wanted(TWO)
    for one in desired.paths:
        if one.service:
            assert service_of(one.path) == one.service, one.path
    for unit in desired.units:
        assert unit_of(unit.path) == unit.name
        assert service_of(unit.env) == (unit.service if unit.env else "")
    shared = (
        "/etc", "/etc/quantum", "/etc/quantum/credentials", "/etc/systemd/system",
        "/etc/redis/redis.conf", "/etc/systemd/system/multi-user.target.wants",
    )  # fmt: skip
    for path in shared:
        assert service_of(path) == ""


def test_no_secret_lies_where_texts_are_told():
    keys = dict.fromkeys(("exchange_api_key", "exchange_api_secret"), HOST.values["redis_password"])
    for one in wanted(having(exchange="binance_futures", **keys)).paths:
        assert not (one.secret and told_openly(one.path)), one.path


def test_one_instance_less_stops_it_before_anything_is_placed_or_started():
    planned = plan(wanted(having(execution_instances=1)), standing(TWO))
    done = [(step.verb, step.what) for step in planned.steps]
    assert done == [
        ("stop", SECOND),
        ("remove", f"/etc/systemd/system/multi-user.target.wants/{SECOND}"),
        ("remove", f"/etc/systemd/system/{SECOND}"),
        ("reload", "systemd"),
    ]
    assert planned.steps[0].words["units"][0]["action"] == "stop"
    assert planned.restarts == ()
    assert planned.leftovers == ()


def test_a_lost_role_removes_nothing_and_is_named():
    lost = replace(HOST, roles=tuple(name for name in HOST.roles if name != "execution"))
    planned = plan(wanted(lost), standing(HOST))
    assert planned.steps == ()
    assert EXECUTION_ENV in planned.leftovers


def test_an_absent_role_takes_its_files_and_nothing_of_its_neighbours():
    planned = plan(wanted(without("execution")), standing(HOST))
    assert {service_of(path) for path in planned.removed} == {"execution"}
    everything = {path for path in standing(HOST).manifest if service_of(path) == "execution"}
    assert set(planned.removed) == everything
    order = list(planned.removed)
    credentials = "/etc/quantum/credentials/execution"
    assert order.index(credentials) > order.index(f"{credentials}/redis_password")
    assert [step.what for step in planned.steps if step.verb == "stop"] == [
        "quantum-execution@1.service"
    ]
    assert planned.restarts == ()
    assert "secret" not in repr(planned.steps)


def test_a_package_s_own_unit_is_stopped_and_its_data_and_configuration_are_left():
    planned = plan(wanted(without("redis_server")), standing(HOST))
    assert [step.what for step in planned.steps if step.verb == "stop"] == ["redis-server.service"]
    assert "/etc/redis/redis.conf" in planned.leftovers
    assert "data below /var/lib/redis" in planned.stays
    assert not [path for path in planned.removed if path.startswith("/etc/redis")]


def test_a_credential_that_a_service_needs_no_longer_goes():
    keys = dict.fromkeys(("exchange_api_key", "exchange_api_secret"), HOST.values["redis_password"])
    planned = plan(wanted(HOST), standing(having(exchange="binance_futures", **keys)))
    credentials = "/etc/quantum/credentials/execution"
    assert set(planned.removed) == {f"{credentials}/{name}" for name in keys}
    assert planned.restarts == ("quantum-execution@1.service",)


def test_what_was_changed_by_hand_is_not_removed_unseen_and_what_is_gone_is_no_loss():
    seen = standing(TWO)
    path = f"/etc/systemd/system/{SECOND}"
    edited = {**seen.paths, path: {**seen.paths[path], "sha256": "e" * 64}}
    (drift,) = plan(wanted(HOST), replace(seen, paths=edited)).drifted
    assert (drift.path, drift.wanted_too) == (path, False)
    gone = {**seen.paths, path: {"kind": "absent"}}
    (drift,) = plan(wanted(HOST), replace(seen, paths=gone)).drifted
    assert drift.wanted_too


def test_a_service_that_is_to_be_here_and_absent_is_refused():
    with pytest.raises(ConfigurationError, match="to be here and to be absent"):
        compose(HOST, [*roles.resources(HOST), Absent("execution")], "a" * 64, render)


def test_a_former_name_goes_in_the_same_plan_and_first(monkeypatch):
    seen = standing(HOST)
    old = {
        path.replace("ai-strategy-router", "old-router"): state
        for path, state in seen.paths.items()
        if service_of(path) == "ai-strategy-router"
    }
    kept = {p: s for p, s in seen.paths.items() if service_of(p) != "ai-strategy-router"}
    role = replace(roles.REGISTRY["strategy_router"], formerly=("old-router",))
    monkeypatch.setattr(roles, "REGISTRY", {**roles.REGISTRY, "strategy_router": role})
    desired = wanted(HOST)
    assert desired.absent == ("old-router",)
    fresh = {one.path: kept.get(one.path, {"kind": "absent"}) for one in desired.paths}
    manifest = {p: s for p, s in (kept | old).items() if p in kept or p in old}
    units = {**seen.units, "quantum-ai-strategy-router.service": {"active": "inactive"}}
    was = replace(seen, paths=fresh | kept | old, manifest=manifest, units=units)
    steps = plan(desired, was).steps
    order = [(step.verb, step.what) for step in steps if step.do != "dir"]
    assert order[0] == ("stop", "quantum-old-router.service")
    assert steps[-1].what == "quantum-ai-strategy-router.service"
    assert steps[-1].verb == "restart"
    assert set(old) <= set(plan(desired, was).removed)


FEW = st.lists(st.sampled_from(list(roles.REGISTRY)), unique=True)


@given(had=FEW, has=FEW, gone=FEW, instances=st.tuples(st.integers(1, 3), st.integers(1, 3)))
def test_whatever_a_host_had_only_what_is_absent_or_too_many_goes(had, has, gone, instances):
    before = replace(having(execution_instances=instances[0]), roles=tuple(had))
    after = replace(
        having(execution_instances=instances[1]),
        roles=tuple(name for name in has if name not in gone), absent=tuple(gone),
    )  # fmt: skip
    desired, seen = wanted(after), standing(before)
    blank = nothing_there(desired)
    seen = replace(
        seen, paths=blank.paths | seen.paths, units=blank.units | seen.units,
        manifest={path: seen.paths[path] for path in seen.manifest},
    )  # fmt: skip
    planned = plan(desired, seen, blob="b")
    asked = {one.path for one in desired.paths}
    services = {
        service for name in (*after.roles, *gone) for service in roles.REGISTRY[name].SERVICES
    }
    assert not asked.intersection(planned.removed)
    assert {service_of(path) for path in planned.removed} <= services
    still = set(seen.manifest) - set(planned.removed) - asked
    assert still == set(planned.leftovers)
    assert {service_of(path) for path in still} - {""} <= {
        service for name in set(had) - set(after.roles) - set(gone)
        for service in roles.REGISTRY[name].SERVICES
    }  # fmt: skip
    stopped = [unit["name"] for s in planned.steps if s.verb == "stop" for unit in s.words["units"]]
    assert not set(stopped) & {unit.name for unit in desired.units}


def prepared(text: str | None, *, environ: str = "d", active: str = "active"):
    state = {"kind": "file"} if text is None else {"kind": "file", "text": text}
    seen = standing(HOST)
    units = {
        "quantum-execution@1.service": {
            "active": active, "main_pid": 7, "environ": {"QUANTUM_ENV_DIGEST": environ}
        }
    }  # fmt: skip
    seen = replace(seen, paths={**seen.paths, EXECUTION_ENV: state}, units={**seen.units, **units})
    return SimpleNamespace(
        plan=plan(wanted(without("execution")), seen), seen=seen, name="db1",
        contact=SimpleNamespace(host=HOST),
    )  # fmt: skip


SHUT = "QUANTUM_ENV_DIGEST=d\nSAFE_DRAIN=true\nTRADING_ENABLED=false\n"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("QUANTUM_ENV_DIGEST=d\nSAFE_DRAIN=false\nTRADING_ENABLED=true\n", "d"),
        ("QUANTUM_ENV_DIGEST=d\n", "d"),
        ("", "d"),
        (None, "d"),
        (SHUT, "another"),
        (SHUT, ""),
    ],
)
def test_an_execution_that_may_trade_is_not_removed(text, environ):
    with pytest.raises(ConfigurationError, match="may be trading") as caught:
        guarding.refuse_traders(prepared(text, environ=environ))
    assert caught.value.action.startswith("invoke trading.disable -i lab --limit db1")


def test_an_execution_that_is_shut_may_go_and_other_services_are_not_asked():
    guarding.refuse_traders(prepared(SHUT))
    guarding.refuse_traders(prepared(SHUT, environ="another", active="inactive"))
    other = SimpleNamespace(plan=plan(wanted(without("strategy_router")), standing(HOST)))
    guarding.refuse_traders(other)


def test_trading_can_be_disabled_where_execution_is_to_go():
    chosen = SimpleNamespace(hosts=(without("execution"),), inventory=SimpleNamespace(name="x"))
    assert executors(chosen, leaving=True) == chosen.hosts
    with pytest.raises(ConfigurationError, match="has the role execution"):
        executors(chosen)


def test_the_question_says_that_something_is_removed():
    one = prepared(SHUT)
    question = terms.question([one], terms.Terms())
    assert f"REMOVE {len(one.plan.removed)} paths from db1" in question


def test_a_user_that_a_unit_ran_as_is_named_when_another_takes_its_place():
    desired = wanted(HOST)
    path = "/etc/systemd/system/quantum-execution@1.service"
    text = "[Service]\nUser=trader\nStateDirectory=trader more\n"
    assert removing.stays(desired, (), {path: {"kind": "file", "text": text}}) == ("user trader",)
    gone = removing.stays(wanted(without("execution")), (path,), {path: {"text": text}})
    assert gone == ("data below /var/lib/trader", "data below /var/lib/more", "user trader")


def test_another_user_is_made_first_and_the_one_of_before_stays_and_is_named():
    path = "/etc/systemd/system/quantum-execution@1.service"
    before = standing(having(execution_user="trader"))
    planned = plan(wanted(having(execution_user="dealer")), before)
    done = [(step.verb, step.what) for step in planned.steps]
    assert done == [
        ("create", "dealer"), ("change", path), ("restart", "quantum-execution@1.service"),
    ]  # fmt: skip
    assert {"-User=trader", "+User=dealer", "-Group=trader"} <= set(planned.steps[1].lines)
    assert planned.stays == ("user trader",)
    known = replace(before, users={"dealer": True})
    assert plan(wanted(having(execution_user="dealer")), known).steps[0].do == "file"
    assert "DynamicUser" not in wanted(having(execution_user="x")).paths[-1].content.decode()


@pytest.mark.parametrize("name", ["root", "0", "a b", "A", "x\n", "-x", "nobody;reboot"])
def test_no_unit_runs_as_root_or_as_what_is_no_name(name):
    with pytest.raises(ConfigurationError, match="execution_user"):
        wanted(having(execution_user=name))
    if name != "root":
        with pytest.raises(AgentError, match="no name for a user"):
            users.make(name)


def test_what_a_user_owns_follows_the_name_that_is_wanted():
    def owned(owner):
        files = (SystemUser(owner), File("/etc/own", b"x", owner=owner, group=owner))
        return compose(HOST, files, "", render)

    old = owned("old")
    seen = applied(nothing_there(old), old)
    steps = plan(owned("new"), seen).steps
    assert [(step.do, step.what) for step in steps] == [("user", "new"), ("file", "/etc/own")]
    assert steps[1].lines == ("owner old:old -> new:new",)
