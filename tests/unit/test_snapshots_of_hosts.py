"""Which snapshot an id means, which paths may be named, and what a person is shown of a restore."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from commands.restoring import document
from commands.snapshots import meant, named
from harness.errors import ConfigurationError


def contact(name: str, *ids: str):
    told = [{"id": each, "state": "pinned"} for each in ids]
    told.append({"id": "20260101-deploy", "state": "committed"})
    return SimpleNamespace(host=SimpleNamespace(name=name), transactions=told)


def test_a_whole_id_or_enough_of_its_beginning_means_one_snapshot():
    hosts = [contact("a", "20260101-1", "20260102-1"), contact("b", "20260101-1")]
    assert meant(hosts, "20260101-1") == "20260101-1"
    assert meant(hosts[:1], "20260102") == "20260102-1"
    # one that is the beginning of another is meant when it is given in full
    assert meant([contact("a", "s1", "s12")], "s1") == "s1"


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        ("", "--id says which snapshot"),
        ("2026", "2026 may be 20260101-1, 20260102-1"),
        ("2027", "no snapshot begins with '2027'"),
        ("20260101-d", "no snapshot begins with"),
    ],
)
def test_an_id_that_is_not_clear_is_refused(wanted, cause):
    with pytest.raises(ConfigurationError, match=cause) as refused:
        meant([contact("a", "20260101-1", "20260102-1")], wanted)
    assert refused.value.action == "invoke backup.list"


def test_a_host_without_the_snapshot_is_named_with_how_to_leave_it_out():
    hosts = [contact("a", "s1"), contact("b"), contact("c", "s1")]
    with pytest.raises(ConfigurationError, match="no snapshot s1 here") as refused:
        meant(hosts, "s1")
    assert refused.value.host == "b"
    assert refused.value.action == "invoke backup.restore --id s1 --limit a:c"


@pytest.mark.parametrize(
    "path", ["", "etc/hosts", "/", "//etc", "/etc/../proc", "/proc/1", "/dev/sda", "/sys",
             "/var/lib/quantum-ops", "/var/lib/quantum-ops/tx/t1", "/var"],
)  # fmt: skip
def test_a_path_of_which_no_snapshot_is_taken_is_refused_before_any_host_is_reached(path):
    with pytest.raises(ConfigurationError) as refused:
        named([path])
    assert refused.value.action


def test_what_a_shell_completes_and_what_is_said_twice_is_the_same_path():
    assert named(["/etc/redis/", "/etc/redis", "/var/lib/quantum-ops-of-others", "/devices"]) == (
        "/etc/redis", "/var/lib/quantum-ops-of-others", "/devices",
    )  # fmt: skip


def state(kind="file", **more):
    return {"kind": kind, "mode": 0o640, "owner": "root", "group": "root"} | more


def shown(was, now, *differs, secrets=()):
    change = {"path": "/etc/a", "was": was, "now": now, "differs": differs}
    (told,) = document({"changes": [change], "left": [], "same": 0}, secrets)["changes"]
    return told["verb"], told["lines"]


def test_each_change_is_told_in_words():
    absent = {"kind": "absent"}
    assert shown(absent, state(), "kind") == ("remove", ["file that was not there"])
    assert shown(state("dir"), absent, "kind") == ("create", [])
    assert shown(state("symlink", target="b"), state("symlink", target="c"), "target") == (
        "change", ["-> b"],
    )  # fmt: skip
    assert shown(state(), state(mode=0o600), "mode") == ("change", ["mode 0600 -> 0640"])
    assert shown(state(), state(), "mtime_ns") == ("change", ["time of change"])
    assert shown(state(), state(), "xattrs") == ("change", ["extended attributes"])


def test_a_content_is_shown_only_if_the_host_told_it_and_never_with_a_secret_in_it():
    assert shown(state(), state(), "sha256")[1] == ["secret content *** -> ***"]
    was, now = state(text="key=hunter2\nnew\n"), state(text="key=hunter2\nold\n")
    verb, lines = shown(was, now, "sha256", secrets=["hunter2"])
    assert verb == "change"
    assert "-old" in lines
    assert "+new" in lines
    assert " key=********" in lines
    assert "hunter2" not in str(lines)
