"""What doctor concludes from what it sees, without a host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from commands import examining_laptop
from commands.examining import Line, State, exit_code
from commands.examining_hosts import disk_line, redis_line, skew_s, systemd_line
from commands.examining_units import table
from harness.host import Host
from proofs.confinement.directives import ACTIONS

WHERE = "10.0.0.1:6379"


def line(state: State) -> Line:
    return Line("a", "b", state, "c")


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.ok, State.note], 0),
        ([State.ok, State.unknown], 2),
        ([State.unknown, State.wrong, State.ok], 1),
    ],
)
def test_the_worst_line_decides_and_a_note_counts_for_nothing(states, code):
    assert exit_code(map(line, states)) == code


@pytest.mark.parametrize(
    ("info", "state", "words"),
    [
        ({"redis_version": "6.2.14"}, State.wrong, "Redis 6.2.14 at 10.0.0.1:6379 is refused"),
        ({"redis_version": "7.0.15"}, State.ok, "Redis 7.0.15"),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.1"}, State.ok, "Valkey 8.1.1"),
        ({}, State.unknown, "does not tell its version"),
    ],
)
def test_an_old_redis_is_refused(info, state, words):
    found = redis_line("db1", WHERE, info)
    assert found.state is state
    assert words in found.text


@pytest.mark.parametrize(
    ("version", "state"),
    [("257", State.ok), ("252", State.ok), ("249", State.unknown), ("241", State.wrong),
     ("", State.unknown)],
)  # fmt: skip
def test_an_old_systemd_is_refused_and_an_untried_one_is_unknown(version, state):
    assert systemd_line("a", {"systemd": version, "services": "systemd"}).state is state


def test_a_full_disk_is_wrong_and_says_where_to_look():
    assert disk_line("a", 1 << 40).state is State.ok
    full = disk_line("a", 1 << 20)
    assert full.state is State.wrong
    assert "/var/lib/quantum-ops" in full.action


@pytest.mark.parametrize(("there", "skew"), [(15.0, 0.0), (10.0, 0.0), (24.0, 4.0), (7.0, 3.0)])
def test_a_clock_is_off_by_what_no_delay_explains(there, skew):
    assert skew_s(10.0, there, 20.0) == skew


def test_a_host_that_is_not_known_and_a_key_that_is_not_there_are_named_with_what_to_type(
    tmp_path: Path,
):
    host = Host(
        "db1", "production", "testnet", (), address="10.0.0.1",
        private_key=tmp_path / "none", known_hosts=tmp_path / "known_hosts",
    )  # fmt: skip
    (key,) = examining_laptop._keys([host])
    (unknown,) = examining_laptop._known_hosts([replace(host, private_key=None)])
    assert (key.state, unknown.state) == (State.wrong, State.wrong)
    assert "there is no key file" in key.text
    assert unknown.action == "invoke hosts.trust -i production --limit db1"


def seen(action: str, *, passed: bool, ours: bool = True, **more) -> list[Line]:
    refused = {"actions": {each: {"passed": False, "why": "EPERM"} for each in ACTIONS}, "why": ""}
    inside = {**refused["actions"], action: {"passed": passed, "why": "" if passed else "EPERM"}}
    bare = {"actions": {each: {"passed": True, "why": ""} for each in ACTIONS}, "why": ""}
    evidence = {
        "acknowledged": [],
        "bare": {"root": bare, "user": bare},
        "alone": [],
        "units": {
            "a.service": {
                "ours": ours, "foreign": [], "reload": False, "permitted": [],
                "declared": {"ProtectHome": ["ProtectHome=yes"]},
                "limits": {"said": {}, "found": {}},
                "tried": {"actions": inside, "why": ""},
            },
        },
    }  # fmt: skip
    found = table("h", "lab", {**evidence, **more})
    return [each for each in found if each.what == action]


def test_each_action_is_a_line_and_a_directive_that_does_nothing_says_what_to_type():
    (held,) = seen("read_home", passed=False)
    assert (held.state, held.text) == (State.ok, "enforced: refused (EPERM) [ProtectHome]")
    (broken,) = seen("read_home", passed=True)
    assert broken.state is State.wrong
    assert "say not_enforced: [ProtectHome] in inventory lab" in broken.action
    (known,) = seen("read_home", passed=True, acknowledged=["ProtectHome"])
    assert known.state is State.note
    assert "the inventory says so" in known.text


def test_what_a_unit_of_ours_does_not_forbid_is_wrong_and_what_a_package_s_does_not_is_a_note():
    (ours,) = seen("unshare", passed=True)
    assert (ours.state, ours.action) == (State.wrong, "say RestrictNamespaces in the unit")
    (theirs,) = seen("unshare", passed=True, ours=False)
    assert theirs.state is State.note
