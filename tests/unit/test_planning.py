"""Planning: what is wanted against what is there, without a host."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.desired import Desired, DesiredPath, compose
from harness.errors import ConfigurationError
from harness.host import Host
from harness.masking import Secret
from harness.planning import Observation, plan
from harness.resources import Credential, Directory, File, Package, Release, Template, Unit

HOST = Host(name="h1", inventory="t", mode="sandbox", roles=(), values={"answer": 42})
ABSENT = {"kind": "absent"}
ENV = "/etc/quantum/x.env"
RESOURCES = (
    Package("redis-server"),
    Release("consumers.x"),
    Credential("x", "redis_password", Secret("hunter2")),
    Template("env/x.env.j2", ENV, mode=0o640),
    Unit("quantum-x.service", "units/x.j2", "x", env=ENV, credentials=("redis_password",)),
)


def render(source: str, host: Host, extra) -> str:
    if source.startswith("env/"):
        return f"ANSWER={host.values['answer']}\n"
    return (
        f"[Unit]\nDescription=x\n[Service]\nExecStart=/usr/bin/python3 {extra['release']['path']}\n"
    )


def desired(host: Host = HOST, resources=RESOURCES) -> Desired:
    return compose(host, resources, "d" * 64, render)


def nothing_there(wanted: Desired) -> Observation:
    return Observation(
        paths={one.path: ABSENT for one in wanted.paths},
        units={
            unit.name: {"load": "not-found", "active": "inactive", "need_reload": False}
            for unit in wanted.units
        },
        packages={},
        releases={},
        manifest={},
    )


def state_of(one: DesiredPath) -> dict:
    if one.kind == "symlink":
        return {"kind": "symlink", "target": one.target, "mode": 0o777}
    state = {"kind": one.kind, "mode": one.mode, "owner": one.owner, "group": one.group}
    return state | ({"sha256": one.sha256} if one.kind == "file" else {})


def applied(seen: Observation, wanted: Desired) -> Observation:
    """What a host looks like when the plan's own steps, and only those, have been carried out."""
    steps = plan(wanted, seen, blob="b").steps
    known = {one.path: one for one in wanted.paths}
    paths, units = dict(seen.paths), dict(seen.units)
    packages, releases, known_users = dict(seen.packages), dict(seen.releases), dict(seen.users)
    for step in steps:
        if step.do == "package":
            packages[step.what] = "1"
        elif step.do == "user":
            known_users[step.what] = True
        elif step.do == "release":
            releases[step.words["digest"]] = True
        elif step.do == "settle":
            for word in step.words["units"]:
                unit = next(u for u in wanted.units if u.name == word["name"])
                if word["action"] == "restart":
                    given_now = {n: paths[p].get("sha256") for n, p in unit.credentials.items()}
                    units[unit.name] = {
                        "active": "active",
                        "environ": dict(unit.digests),
                        "credentials": given_now,
                        "need_reload": False,
                    }
        else:
            paths[step.words["path"]] = state_of(known[step.words["path"]])
    manifest = {one.path: paths[one.path] for one in wanted.paths}
    return Observation(paths, units, packages, releases, manifest, known_users)


def test_a_first_deploy_installs_before_it_points_and_restarts_last():
    steps = plan(desired(), nothing_there(desired()), blob="b").steps
    order = [step.do for step in steps]
    assert order[0] == "package"
    assert order.index("release") > max(i for i, do in enumerate(order) if do == "dir")
    assert order.index("release") < min(i for i, do in enumerate(order) if do == "file")
    assert order[-1] == "settle"
    assert steps[-1].words["units"][0]["action"] == "restart"


def test_a_second_plan_is_empty():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    assert plan(wanted, after).steps == ()
    assert plan(wanted, after).drifted == ()


def test_a_changed_env_value_is_one_file_and_one_restart():
    before = applied(nothing_there(desired()), desired())
    wanted = desired(replace(HOST, values={"answer": 43}))
    steps = plan(wanted, before).steps
    assert [step.what for step in steps] == [ENV, "quantum-x.service"]
    assert steps[-1].words["reload"] is False
    assert "QUANTUM_ENV_DIGEST" in steps[-1].lines[0]


def test_restart_debt_survives_a_crash_between_rename_and_restart():
    """Files are as wanted, but the process was started with the old ones: restart, once."""
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    stale = {"quantum-x.service": {**after.units["quantum-x.service"], "environ": {}}}
    owed = replace(after, units=stale)
    assert plan(wanted, owed).restarts == ("quantum-x.service",)
    assert plan(wanted, applied(owed, wanted)).steps == ()


def test_a_rotated_secret_restarts_and_shows_nothing():
    before = applied(nothing_there(desired()), desired())
    rotated = tuple(
        replace(each, value=Secret("correct horse")) if isinstance(each, Credential) else each
        for each in RESOURCES
    )
    planned = plan(desired(resources=rotated), before)
    assert planned.restarts == ("quantum-x.service",)
    assert "correct horse" not in repr([step.lines for step in planned.steps])
    assert "hunter2" not in repr([step.lines for step in planned.steps])


def test_a_process_given_an_older_credential_is_restarted():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    unit = {**after.units["quantum-x.service"], "credentials": {"redis_password": "0" * 64}}
    planned = plan(wanted, replace(after, units={"quantum-x.service": unit}))
    assert planned.restarts == ("quantum-x.service",)


def test_a_hand_edit_is_drift_and_an_unmanaged_old_file_is_not():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    edited = {**after.paths, ENV: {**after.paths[ENV], "sha256": "e" * 64}}
    assert [d.path for d in plan(wanted, replace(after, paths=edited)).drifted] == [ENV]
    adopted = replace(after, paths=edited, manifest={})
    assert plan(wanted, adopted).drifted == ()


def test_drift_towards_the_plan_loses_nothing():
    before = applied(nothing_there(desired()), desired())
    wanted = desired(replace(HOST, values={"answer": 43}))
    one = next(one for one in wanted.paths if one.path == ENV)
    seen = replace(before, paths={**before.paths, ENV: state_of(one)})
    (drift,) = plan(wanted, seen).drifted
    assert drift.wanted_too


def test_an_inactive_unit_is_started_even_when_every_file_is_right():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    unit = {**after.units["quantum-x.service"], "active": "failed"}
    assert plan(wanted, replace(after, units={"quantum-x.service": unit})).restarts


def test_a_reload_is_owed_when_systemd_says_so():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    unit = {**after.units["quantum-x.service"], "need_reload": True}
    (step,) = plan(wanted, replace(after, units={"quantum-x.service": unit})).steps
    assert step.words["reload"] is True
    assert step.words["units"][0]["action"] == "none"


def test_what_no_role_asks_for_any_more_is_named():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    manifest = {**after.manifest, "/etc/quantum/old.env": {"kind": "file"}}
    paths = {**after.paths, "/etc/quantum/old.env": {"kind": "file"}}
    planned = plan(wanted, replace(after, manifest=manifest, paths=paths))
    assert planned.leftovers == ("/etc/quantum/old.env",)


def test_two_resources_for_one_path_are_refused():
    clash = (File("/etc/a", b"1"), File("/etc/a", b"2"))
    with pytest.raises(ConfigurationError, match="/etc/a"):
        compose(HOST, clash, "", render)


def test_a_unit_that_follows_an_unmanaged_path_is_refused():
    unit = Unit("q.service", "units/x.j2", "q", follows=("/etc/elsewhere",))
    with pytest.raises(ConfigurationError, match="/etc/elsewhere"):
        compose(HOST, (unit,), "", render)


def test_the_env_digest_is_of_the_rest_of_the_file():
    content = next(one.content for one in desired().paths if one.path == ENV)
    first, _, rest = content.partition(b"\n")
    assert first == b"QUANTUM_ENV_DIGEST=" + hashlib.sha256(rest).hexdigest().encode()


def test_a_followed_file_changes_the_unit_digest():
    def digests(content: bytes) -> dict:
        unit = Unit("q.service", "units/x.j2", "q", vendor=True, follows=("/etc/q.conf",))
        return dict(
            compose(HOST, (File("/etc/q.conf", content), unit), "", render).units[0].digests
        )

    assert digests(b"1") != digests(b"2")
    assert digests(b"1") == digests(b"1")


def test_an_enablement_link_spelled_by_systemctl_is_left_alone():
    wanted = desired()
    after = applied(nothing_there(wanted), wanted)
    link = "/etc/systemd/system/multi-user.target.wants/quantum-x.service"
    spelled = {"kind": "symlink", "target": "../quantum-x.service"}
    assert (
        plan(wanted, replace(after, paths={**after.paths, link: spelled}, manifest={})).steps == ()
    )


PATHS = st.lists(
    st.from_regex(r"(/[a-c]{1,2}){1,3}", fullmatch=True), unique=True, min_size=1, max_size=6
)
STATES = st.sampled_from(
    [
        ABSENT,
        {"kind": "file", "sha256": "0" * 64, "mode": 0o600, "owner": "root", "group": "root"},
        {"kind": "file", "sha256": "1" * 64, "mode": 0o4755, "owner": "redis", "group": "adm"},
        {"kind": "symlink", "target": "/elsewhere", "mode": 0o777},
    ]
)


@given(st.data(), PATHS, st.booleans(), st.booleans())
def test_whatever_is_there_applying_the_plan_leaves_nothing_to_plan(data, paths, secret, running):
    leaves = [p for p in paths if not any(other.startswith(p + "/") for other in paths)]
    content = Secret("s") if secret else b"c"
    resources = [File(path, content, mode=0o640) for path in leaves]
    resources.append(Unit("q.service", "units/x.j2", "q", follows=tuple(leaves)))
    wanted = compose(HOST, resources, "", render)
    seen = nothing_there(wanted)
    before = {
        one.path: data.draw(STATES) if one.kind == "file" else seen.paths[one.path]
        for one in wanted.paths
    }
    units = {"q.service": {"active": "active" if running else "failed", "environ": {}}}
    after = applied(replace(seen, paths=before, units=units), wanted)
    assert plan(wanted, after).steps == ()


@given(PATHS)
def test_every_directory_comes_before_what_it_holds(paths):
    wanted = compose(HOST, [Directory(path) for path in paths], "", render)
    order = [one.path for one in wanted.paths]
    assert order == sorted(order)
    assert set(paths) <= set(order)


@settings(deadline=None)
@given(st.data(), PATHS, st.booleans())
def test_what_no_deploy_has_placed_is_adopted_and_what_one_did_is_changed(data, paths, managed):
    leaves = [p for p in paths if not any(other.startswith(p + "/") for other in paths)]
    wanted = compose(HOST, [File(path, b"c") for path in leaves], "", render)
    seen = nothing_there(wanted)
    before = {
        one.path: data.draw(STATES) if one.kind == "file" else seen.paths[one.path]
        for one in wanted.paths
    }
    manifest = before if managed else {}
    for step in plan(wanted, replace(seen, paths=before, manifest=manifest)).steps:
        there = before[step.what]["kind"] != "absent"
        assert step.verb == (("change" if managed else "adopt") if there else "create")
