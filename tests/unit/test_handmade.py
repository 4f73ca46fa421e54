"""What a hand changed is shown; what may not be shown, or cannot, is said to be there."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.deploying import Wanted, prepare, refuse_drift
from harness.desired import DesiredPath
from harness.differences import MOST_LINES
from harness.errors import DriftError
from harness.handmade import as_deployed, shown
from harness.masking import Secret
from harness.planning import Drift
from tests.unit.rendered_roles import CONFIG, ENV, HOST, UNIT, desired
from tests.unit.test_planning import state_of

KNOWN = {one.path: one for one in desired().paths}
CHANGED = ("sha256: 1 -> 2",)


def diff(path: str, state: dict, known=KNOWN, host=HOST) -> str:
    drift = Drift(path, CHANGED, wanted_too=False)
    (told,) = shown([drift], {path: {"kind": "file", **state}}, known, KNOWN, host)
    return "\n".join(told.diff)


def text(path: str) -> str:
    return KNOWN[path].content.decode()


def test_a_changed_line_is_shown_against_what_was_deployed():
    told = diff(UNIT, {"text": text(UNIT).replace("RestartSec=2", "RestartSec=9")})
    assert "-RestartSec=2" in told
    assert "+RestartSec=9" in told


def test_a_secret_file_and_a_secret_in_another_file_are_masked():
    assert diff(CONFIG, {}) == "secret content *** -> ***"
    host = replace(HOST, values={"redis_password": Secret("hunter2")})
    told = diff(ENV, {"text": text(ENV) + "# hunter2 was here\n"}, host=host)
    assert "+# *** was here" in told


def test_binary_is_said_to_be_binary_and_a_long_diff_is_cut_with_a_count():
    assert "binary" in diff(ENV, {"size": 7})
    told = diff(ENV, {"text": "x\n" * (MOST_LINES + 50)}).splitlines()
    assert len(told) == MOST_LINES + 1
    assert told[-1].endswith("more lines")


def test_a_changed_mode_alone_has_no_diff():
    drift = Drift(ENV, ("mode: 0640 -> 0644",), wanted_too=False)
    (told,) = shown([drift], {ENV: {"kind": "file"}}, KNOWN, KNOWN, HOST)
    assert told.diff == ()


def test_a_text_that_is_not_what_was_deployed_is_not_passed_off_as_it():
    manifest = {ENV: {"sha256": "0" * 64}}
    assert ENV not in as_deployed(lambda _: desired(), (), manifest, {})
    assert "not known here any more" in diff(ENV, {"text": "x\n"}, known={})


def test_the_release_that_was_deployed_is_read_from_the_units_of_the_host():
    asked = []
    seen = {UNIT: {"text": text(UNIT) + "# by hand\n"}}
    manifest = {UNIT: {"sha256": KNOWN[UNIT].sha256}}

    def again(digest: str):
        asked.append(digest)
        return desired()

    assert as_deployed(again, ["b" * 64], manifest, seen) == {UNIT: KNOWN[UNIT]}
    assert asked == ["b" * 64, "a" * 64, ""]


def prepared(path: str, change: dict, *, left: tuple[str, ...] = ()):
    """A host that is as deployed, but for one change by hand."""
    states = {one.path: state_of(one) for one in desired().paths}
    states |= {name: {"kind": "file", "sha256": "1" * 64} for name in left}
    seen = {**states, path: {**states[path], **change}}
    said = {"paths": seen, "units": {}, "packages": {}, "releases": {"a" * 64: True}}
    said["packages"] = dict.fromkeys(desired().packages, "1")
    for unit in desired().units:
        given = {n: states[p]["sha256"] for n, p in unit.credentials.items()}
        state = {"active": "active", "environ": dict(unit.digests), "credentials": given}
        said["units"][unit.name] = state
    session = SimpleNamespace(observe=lambda **_: said)
    contact = SimpleNamespace(host=HOST, session=session, manifest=states)
    release = SimpleNamespace(blob_sha256="b")
    return prepare(contact, Wanted(desired(), release, lambda _: desired()))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (ENV, {"sha256": "2" * 64, "text": "LOG_LEVEL=DEBUG\n"}),
        (ENV, {"mode": 0o666}),
        (ENV, {"owner": "mallory"}),
        (ENV, {"kind": "absent", "sha256": None, "mode": None, "owner": None, "group": None}),
        (ENV, {"kind": "symlink", "target": "/tmp/x", "sha256": None}),
    ],
    ids=["text", "mode", "owner", "deleted", "a link instead"],
)
def test_whatever_a_hand_did_to_a_file_a_deploy_refuses_and_names_both_ways_on(path, change):
    with pytest.raises(DriftError) as refused:
        refuse_drift(prepared(path, change))
    assert path in refused.value.cause
    assert refused.value.exit_code == 2
    assert f"invoke drift -i {HOST.inventory}" in refused.value.action
    assert f"invoke deploy -i {HOST.inventory} --overwrite-drift" in refused.value.action


def test_a_file_that_no_role_asks_for_any_more_is_not_in_a_deploys_way():
    old = "/etc/quantum/old.env"
    found = prepared(old, {"sha256": "2" * 64}, left=(old,))
    assert [each.path for each in found.plan.drifted] == [old]
    assert "stays on the host" in found.plan.drifted[0].diff[0]
    refuse_drift(found)


def test_what_was_no_text_before_is_said_to_have_been_binary():
    one = DesiredPath("/etc/x", "file", content=b"\xff\xfe")
    assert "was binary" in diff("/etc/x", {"text": "now text\n"}, known={"/etc/x": one})
