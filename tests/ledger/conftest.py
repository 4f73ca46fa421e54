from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

import pytest

from harness.ledger.auditing import verify
from harness.ledger.checks import Check
from harness.ledger.ledger import Ledger
from harness.ledger.records import Claim, Record, Subject


@dataclass(frozen=True)
class Said:
    name: str


@dataclass(frozen=True)
class Judged:
    verdict: Said


def judge(evidence):
    return Judged(Said("proved" if evidence["count"] == 1 else "refuted"))


CHECKS = {"effect_flows": Check(judge, "c" * 64)}


def proof(count=1, verdict="proved", **changes):
    fields = {
        "kind": "proof",
        "inventory": "lab",
        "mode": "testnet",
        "operator": "ada",
        "hosts": ("red", "blue"),
        "outcome": verdict,
        "subjects": (Subject("red", "/etc/quantum/p35.env", "a" * 64),),
        "predicate": {"git": {"commit": "f" * 40, "dirty": False}, "steps": []},
        "claims": (
            Claim("red", "effect_flows", "It flows.", "c" * 64, verdict, ("seen once",), "flow"),
        ),
        "evidence": {"flow": json.dumps({"count": count}).encode(), "log": b"a line\n"},
    }
    return Record(**{**fields, **changes})


@pytest.fixture
def ledger(tmp_path):
    numbers = itertools.count()
    seconds = itertools.count(1_790_000_000)
    return Ledger(
        tmp_path / "records", now=lambda: next(seconds), token=lambda: f"{next(numbers):06x}"
    )


@pytest.fixture
def three(ledger):
    entries = [ledger.append(proof()), ledger.append(proof(count=2, verdict="refuted"))]
    return [*entries, ledger.append(proof(kind="deploy", outcome="committed"))]


@pytest.fixture
def problems(ledger):
    """The kinds of problems that verifying the ledger finds."""

    def kinds(only=None):
        return [problem.kind for problem in verify(ledger.root, CHECKS, only)]

    return kinds


@pytest.fixture
def checks():
    return CHECKS


@pytest.fixture
def a_proof():
    return proof
