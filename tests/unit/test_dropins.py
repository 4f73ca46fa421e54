"""A drop-in that no deploy placed is in the way, shown, and taken away only when asked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.deploying import Wanted, prepare, refuse_drift
from harness.dropins import removable, unplaced
from harness.errors import DriftError
from harness.masking import Secret
from harness.planning import plan
from tests.unit.rendered_roles import HOST, UNIT, desired
from tests.unit.test_planning import state_of

NAME = UNIT.rpartition("/")[2]
OWN = f"{UNIT}.d/by-hand.conf"
ELSEWHERE = f"/run/systemd/system/{NAME}.d/by-hand.conf"
VENDOR = "/etc/systemd/system/redis-server.service.d/quantum.conf"


def prepared(*paths: str, kind: str = "file", overwrite: bool = False, manifest=None):
    """A host that is as deployed, but for these drop-ins of one unit."""
    states = {one.path: state_of(one) for one in desired().paths}
    units = {}
    for unit in desired().units:
        given = {n: states[p]["sha256"] for n, p in unit.credentials.items()}
        units[unit.name] = {"active": "active", "environ": dict(unit.digests), "dropins": [],
                            "credentials": given}  # fmt: skip
    units[NAME]["dropins"] = list(paths)
    units["redis-server.service"]["dropins"] = [VENDOR]
    text = "[Service]\nNice=5\n# hunter2\n"
    found = {"kind": kind, "sha256": "3" * 64, "mode": 0o644, "owner": "root", "group": "root"}

    def observe(**asked):
        known = {**states, **{path: {**found, "text": text} for path in paths}}
        seen = {path: known[path] for path in asked["paths"]}
        return {"paths": seen, "units": {n: units[n] for n in asked["units"]},
                "packages": dict.fromkeys(asked["packages"], "1"),
                "releases": dict.fromkeys(asked["releases"], True)}  # fmt: skip

    host = replace(HOST, values={"redis_password": Secret("hunter2")})
    contact = SimpleNamespace(
        host=host,
        session=SimpleNamespace(observe=observe),
        manifest=states if manifest is None else manifest,
    )
    release = SimpleNamespace(blob_sha256="b")
    return prepare(contact, Wanted(desired(), release, lambda _: desired()), overwrite=overwrite)


def test_what_a_role_places_is_no_stranger_deployed_before_or_not():
    assert not prepared().plan.drifted
    assert not prepared().plan.steps
    assert unplaced({NAME: {"dropins": ["/a", "/b"]}}, {"/a": 1}, {"/b"}) == {}
    assert not prepared(manifest={}).seen.dropins


def test_a_deploy_refuses_it_up_front_with_what_is_in_it_and_names_both_ways():
    found = prepared(OWN)
    assert not found.plan.steps
    with pytest.raises(DriftError) as refused:
        refuse_drift(found)
    assert f"{OWN} (a drop-in of {NAME} that no deploy placed)" in refused.value.cause
    assert "+Nice=5" in refused.value.cause
    assert "hunter2" not in str(refused.value)
    assert "--capture" in refused.value.action
    assert "--overwrite-drift" in refused.value.action


def test_asked_for_it_is_removed_with_its_backup_and_the_unit_restarts():
    found = prepared(OWN, overwrite=True)
    refuse_drift(found, overwrite=True)
    removal, settle = found.plan.steps
    assert (removal.summary(), removal.words["do"]) == (f"remove {OWN}", "absent")
    assert removal.words["before"]["sha256"] == "3" * 64
    assert "-Nice=5" in removal.lines
    assert "hunter2" not in "".join(removal.lines)
    assert settle.words["reload"]
    assert found.plan.restarts == (NAME,)


@pytest.mark.parametrize(
    "path",
    [
        ELSEWHERE, f"/usr/lib/systemd/system/{NAME}.d/x.conf",
        "/etc/systemd/system/service.d/x.conf", f"/etc/systemd/system.control/{NAME}.d/50-x.conf",
    ],
)  # fmt: skip
def test_one_that_is_not_the_units_own_is_refused_whatever_was_asked(path):
    assert not removable(path, NAME)
    found = prepared(path, overwrite=True)
    assert not found.plan.steps
    with pytest.raises(DriftError) as refused:
        refuse_drift(found, overwrite=True)
    assert path in refused.value.cause
    assert "remove them on the host" in refused.value.action


def test_one_that_is_gone_by_now_and_waits_for_a_reload_is_in_nobodys_way():
    refuse_drift(prepared(OWN, kind="absent"))


def test_a_link_for_a_drop_in_is_refused_too():
    with pytest.raises(DriftError):
        refuse_drift(prepared(OWN, kind="symlink"))


def test_a_plan_without_being_asked_removes_nothing():
    found = prepared(OWN)
    assert plan(desired(), found.seen).steps == ()
