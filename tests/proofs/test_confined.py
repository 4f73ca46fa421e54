"""What is concluded from what came of the forbidden actions, and what is tried in the first place.

The evidence is made by hand: a unit of ours and one that a package ships, on a host that enforces
everything. Each test takes one thing away.
"""

from __future__ import annotations

import copy

import pytest

import proofs
from proofs.confined import check
from proofs.confinement.directives import (
    ACCOUNTABLE,
    ACTIONS,
    BY_NAME,
    DIRECTIVES,
    declared,
    limits,
    permitted,
    service_lines,
)
from proofs.confinement.judging import NOT_ENFORCED, PERMITTED, rows
from proofs.confinement.probing import probe, trials
from proofs.finding import Verdict
from tests.unit.rendered_roles import CONSUMERS, text

UNIT_PATH = CONSUMERS["decision_intelligence"][1]
OURS, THEIRS = "quantum-a.service", "redis-server.service"
LINES = service_lines(text(UNIT_PATH))
PASSED, REFUSED, UNTRIED = (
    {"passed": True, "why": ""}, {"passed": False, "why": "EPERM"}, {"passed": None, "why": "no"},
)  # fmt: skip


def tried(outcome, **others):
    return {"actions": {name: {**others.get(name, outcome)} for name in ACTIONS}, "why": ""}


def unit(lines, *, ours):
    return {
        "ours": ours, "foreign": [], "reload": False, "declared": declared(lines),
        "permitted": permitted(lines), "tried": tried(REFUSED),
        "limits": {
            "said": limits(lines),
            "found": {"memory.max": str(256 << 20), "cpu.max": "20000 100000", "pids.max": "32",
                      "core": "0"},
        },
    }  # fmt: skip


@pytest.fixture
def evidence():
    both = {OURS: LINES, THEIRS: ("ProtectHome=yes", "CapabilityBoundingSet=", "User=redis")}
    return copy.deepcopy(
        {
            "acknowledged": [], "services": "systemd",
            "units": {name: unit(lines, ours=name == OURS) for name, lines in both.items()},
            "bare": {"root": tried(PASSED), "user": tried(PASSED)},
            "alone": [
                {**each["about"], "tried": tried(REFUSED)}
                for each in trials(both).values() if each["about"]
            ],
        }
    )  # fmt: skip


def alone(evidence, directive):
    return next(each for each in evidence["alone"] if each["directive"] == directive)


def told(evidence, verdict):
    found = check(evidence)
    assert found.verdict is verdict, found.reasons
    return "; ".join(found.reasons)


def test_a_host_that_refuses_everything_is_proved_and_what_a_package_does_not_say_is_noted(
    evidence,
):
    for action in ("bind_port", "reach_address"):
        evidence["units"][THEIRS]["tried"]["actions"][action] = PASSED
    said = told(evidence, Verdict.proved)
    assert f"2 units refuse what is forbidden, {len(ACTIONS)} actions tried in each" in said
    assert f"{THEIRS}, which its package ships, says nothing against bind_port" in said


def test_every_action_is_held_to_account_by_the_deployed_unit_and_each_can_refute(evidence):
    assert len(ACTIONS) >= 12
    for action in ACTIONS:
        broken = copy.deepcopy(evidence)
        broken["units"][OURS]["tried"]["actions"][action] = PASSED
        said = told(broken, Verdict.refuted)
        assert said.startswith("credited but not enforced here: ")
        assert ACTIONS[action][0] in said
        assert OURS in said


def test_every_directive_can_refute_by_itself_though_the_unit_as_a_whole_refuses(evidence):
    names = [each["directive"] for each in evidence["alone"]]
    # SocketBindDeny is for a unit that has a port of its own, User for one without DynamicUser
    assert {each.name for each in DIRECTIVES} - {*names} == {"SocketBindDeny"}
    for name in names:
        broken = copy.deepcopy(evidence)
        alone(broken, name)["tried"] = tried(PASSED)
        assert f"credited but not enforced here: {name}" in told(broken, Verdict.refuted)


def test_a_directive_that_was_taken_away_refutes_and_the_drop_in_is_named(evidence):
    weakened = [*LINES, "MemoryDenyWriteExecute=no"]
    ours = evidence["units"][OURS]
    ours.update(declared=declared(weakened), foreign=["/etc/x.d/by-hand.conf"])
    ours["tried"]["actions"]["map_writable_code"] = PASSED
    said = told(evidence, Verdict.refuted)
    assert "nothing in the unit forbids that it maps memory to write to and execute" in said
    assert f"{OURS} is changed by /etc/x.d/by-hand.conf" in said


@pytest.mark.parametrize(
    ("file", "found", "words"),
    [
        ("memory.max", None, "MemoryMax, the running unit has no memory.max"),
        ("memory.max", "max", "memory.max of what runs says max"),
        ("cpu.max", "max 100000", "the unit says 20%, cpu.max of what runs says max 100000"),
        ("pids.max", "33", "the unit says 32, pids.max of what runs says 33"),
        ("core", "unlimited", "LimitCORE"),
    ],
)
def test_a_limit_that_does_not_hold_for_what_runs_refutes(evidence, file, found, words):
    evidence["units"][OURS]["limits"]["found"][file] = found
    assert words in told(evidence, Verdict.refuted)


def test_what_is_refused_without_any_directive_too_says_nothing_of_the_directive(evidence):
    for base in evidence["bare"].values():
        base["actions"]["set_clock"] = REFUSED
    said = told(evidence, Verdict.unknown)
    assert "cannot be told here: ProtectClock" in said
    evidence["acknowledged"] = ["ProtectClock"]
    assert "acknowledged in not_enforced, cannot tell: ProtectClock" in told(
        evidence, Verdict.proved
    )


def test_what_only_root_may_do_is_told_by_roots_bare_try_and_what_only_others_may_not_by_theirs(
    evidence,
):
    evidence["bare"]["user"]["actions"]["set_clock"] = REFUSED
    told(evidence, Verdict.proved)
    evidence["bare"]["user"]["actions"]["see_processes"] = REFUSED
    assert "ProtectProc" in told(evidence, Verdict.unknown)


@pytest.mark.parametrize("where", ["inside", "alone"])
def test_what_could_not_be_tried_is_unknown(evidence, where):
    if where == "inside":
        evidence["units"][OURS]["tried"] = {"actions": {}, "why": "Result=exit-code"}
    else:
        alone(evidence, "PrivateTmp")["tried"] = {"actions": {}, "why": "Result=exit-code"}
    assert "Result=exit-code" in told(evidence, Verdict.unknown)
    evidence["units"][OURS]["tried"] = tried(REFUSED, unshare=UNTRIED)
    told(evidence, Verdict.unknown)


def test_a_named_gap_is_told_and_one_that_is_not_named_refutes_beside_it(evidence):
    evidence["acknowledged"] = ["IPAddressDeny", "MemoryMax"]
    evidence["units"][OURS]["tried"]["actions"]["reach_address"] = PASSED
    alone(evidence, "IPAddressDeny")["tried"] = tried(PASSED)
    evidence["units"][OURS]["limits"]["found"]["memory.max"] = None
    said = told(evidence, Verdict.proved)
    assert f"acknowledged in not_enforced, {NOT_ENFORCED}: IPAddressDeny, MemoryMax" in said
    alone(evidence, "ProtectHome")["tried"] = tried(PASSED)
    refuted = told(evidence, Verdict.refuted)
    assert "ProtectHome" in refuted
    assert "IPAddressDeny" not in refuted


def test_one_named_directive_does_not_excuse_the_others_that_stand_against_the_same(evidence):
    evidence["acknowledged"] = ["ProtectSystem"]
    evidence["units"][OURS]["tried"]["actions"]["write_code"] = PASSED
    assert "ProtectSystem or DynamicUser" in told(evidence, Verdict.refuted)


def test_a_gap_that_is_named_and_not_there_is_noted(evidence):
    evidence["acknowledged"] = ["ProtectHome"]
    assert "not_enforced names ProtectHome, which is enforced" in told(evidence, Verdict.proved)


def test_nobody_passes_without_a_unit_on_a_stand_in_or_with_a_unit_file_that_was_not_read(evidence):
    told({**evidence, "units": {}}, Verdict.unknown)
    stand_in = {"services": "supervisor", "units": {OURS: {"not_honoured": ["UMask", "User"]}}}
    assert "2 directives are not honoured" in told(stand_in, Verdict.unknown)
    evidence["units"][OURS]["reload"] = True
    assert "not read its file again" in told(evidence, Verdict.unknown)


def test_a_unit_that_openly_goes_to_the_internet_may(evidence):
    lines = ["IPAddressAllow=any" if "IPAddressDeny" in each else each for each in LINES]
    evidence["units"][OURS].update(declared=declared(lines), permitted=permitted(lines))
    evidence["units"][OURS]["tried"]["actions"]["reach_address"] = PASSED
    told(evidence, Verdict.proved)
    assert PERMITTED in {row.outcome for row in rows(evidence)}


def test_a_name_that_nothing_accounts_for_is_no_acknowledgement(scene_of):
    (result,) = proofs.run(["confined"], scene_of(None, not_enforced=["IPAdressDeny"]))
    assert result.finding.verdict is Verdict.unknown
    assert 'did you mean "IPAddressDeny"?' in result.finding.reasons[0]


def test_a_units_last_word_counts_and_only_the_service_section_is_read():
    said = service_lines(
        "[Unit]\nProtectHome=yes\n[Service]\n# ProtectClock=yes\nPrivateTmp=yes\n"
        "ExecPaths=/usr/bin \\\n  /usr/lib\n[Install]\nPrivateUsers=yes\n"
        "[Service]\nPrivateTmp = no\nCapabilityBoundingSet=CAP_SYS_TIME\n"
    )
    assert said == (
        "PrivateTmp=yes", "ExecPaths=/usr/bin /usr/lib", "PrivateTmp=no",
        "CapabilityBoundingSet=CAP_SYS_TIME",
    )  # fmt: skip
    assert declared(said) == {}
    assert declared(["CapabilityBoundingSet="]) == {
        "CapabilityBoundingSet": ["CapabilityBoundingSet="]
    }


def test_units_that_mean_the_same_share_a_trial_and_others_do_not():
    several = {
        "a.service": ["PrivateTmp=yes", "IPAddressDeny=any", "IPAddressAllow=10.0.0.1"],
        "b.service": ["PrivateTmp=true", "IPAddressDeny=any", "IPAddressAllow=10.0.0.2"],
    }
    wanted = trials(several)
    about = [each["about"] for each in wanted.values() if each["about"]]
    assert [(each["directive"], each["units"]) for each in about] == [
        ("PrivateTmp", ["a.service", "b.service"]),
        ("IPAddressDeny", ["a.service"]),
        ("IPAddressDeny", ["b.service"]),
    ]
    assert wanted["alone IPAddressDeny 1"]["trial"] == {
        "service": "\nIPAddressDeny=any\nIPAddressAllow=10.0.0.2", "actions": ["reach_address"],
    }  # fmt: skip
    assert wanted["bare root"]["trial"]["actions"] == list(ACTIONS)
    assert {"inside a.service", "inside b.service"} < set(wanted)


def test_every_directive_stands_against_an_action_and_is_one_that_can_be_named():
    assert {each.action for each in DIRECTIVES} <= set(ACTIONS)
    assert {name for _, names in ACTIONS.values() for name in names} == set(BY_NAME)
    assert set(BY_NAME) < ACCOUNTABLE


class Agent:
    """Answers as a host with one unit of ours, one drop-in by hand and nothing forbidden."""

    def attest(self, **_):
        return {"manifest": {UNIT_PATH: {"kind": "file"}}}

    def observe(self, *, paths, units=None):
        name = UNIT_PATH.rpartition("/")[2]
        states = {
            name: {"fragment": UNIT_PATH, "dropins": ["/etc/by-hand.conf"], "need_reload": False}
        }
        texts = {UNIT_PATH: text(UNIT_PATH), "/etc/by-hand.conf": "[Service]\nProtectHome=no\n"}
        assert not set(units or ()) - {name}
        return {"paths": {each: {"text": texts[each]} for each in paths}, "units": states}

    def probe(self, wanted, *, units, code):
        self.code = code
        return {
            "trials": dict.fromkeys(wanted, tried(REFUSED)),
            "limits": {name: {} for name in units},
        }


def test_what_is_declared_is_read_from_the_file_and_every_drop_in_as_systemd_has_them():
    agent = Agent()
    (unit_seen,) = probe(agent)["units"].values()
    assert unit_seen["ours"]
    assert unit_seen["foreign"] == ["/etc/by-hand.conf"]
    assert "ProtectHome" not in unit_seen["declared"]
    assert "ProtectSystem" in unit_seen["declared"]
    assert agent.code[0] == "/usr/lib/os-release"
    assert agent.code[1].startswith("/opt/quantum/releases/aaaa")
