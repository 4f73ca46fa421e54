from __future__ import annotations

import json

import pytest

from proofs.finding import Verdict
from proofs.rollback_restores import check

FILE = {"kind": "file", "sha256": "a" * 64, "mode": 0o640, "owner": "root", "group": "root",
        "mtime_ns": 7}  # fmt: skip
REPLY = {
    "state": "rolled_back",
    "undone": [{"tx": "t1", "restored": ["/etc/x"], "kept": [], "drifted": [], "problems": []}],
    "before": {"/etc/x": FILE, "/etc/new": {"kind": "absent"}},
    "paths": {"/etc/x": FILE, "/etc/new": {"kind": "absent"}},
}


@pytest.fixture
def reply():
    return json.loads(json.dumps(REPLY))


def test_every_path_as_it_was_is_proved(reply):
    assert check(reply).verdict is Verdict.proved


@pytest.mark.parametrize(
    ("key", "value"), [("sha256", "b" * 64), ("mode", 0o600), ("owner", "ada"), ("mtime_ns", 8)]
)
def test_a_path_that_is_not_what_it_was_refutes(reply, key, value):
    reply["paths"]["/etc/x"][key] = value
    finding = check(reply)
    assert finding.verdict is Verdict.refuted
    assert f"its {key} is not" in finding.reasons[0]


def test_a_path_that_should_be_gone_and_is_there_refutes(reply):
    reply["paths"]["/etc/new"] = dict(FILE)
    assert check(reply).verdict is Verdict.refuted


def test_a_path_that_was_not_looked_at_refutes(reply):
    del reply["paths"]["/etc/x"]
    assert check(reply).verdict is Verdict.refuted


def test_a_unit_that_did_not_come_back_refutes(reply):
    reply["undone"][0]["problems"] = ["p35 did not start"]
    assert check(reply).verdict is Verdict.refuted


def test_another_ending_refutes(reply):
    assert check({**reply, "state": "in_doubt"}).verdict is Verdict.refuted


def test_without_what_was_before_or_with_nothing_to_put_back_it_is_unknown(reply):
    assert check({**reply, "before": {}, "paths": {}}).verdict is Verdict.unknown
    del reply["before"]
    assert check(reply).verdict is Verdict.unknown


def test_what_was_changed_by_hand_and_what_stays_is_told(reply):
    reply["undone"][0]["drifted"] = [{"path": "/etc/x", "kept_as": "tx/t1/drifted"}]
    reply["undone"][0]["kept"] = ["redis-server"]
    assert len(check(reply).reasons) == 3
