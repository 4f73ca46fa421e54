"""What a person types about the ledger, in a pipe and with --json."""

from __future__ import annotations

import json
import types

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

import proofs
from commands import ledger as typed
from harness.ledger.records import Claim
from harness.ledger.verifying import exit_code


@pytest.fixture(autouse=True)
def the_inventory(ledger, monkeypatch):
    inventory = types.SimpleNamespace(records=ledger.root)
    monkeypatch.setattr(typed, "open_inventory", lambda *_: inventory)


@pytest.fixture
def types_(capsys):
    """Runs a task and returns its exit code and what it printed."""

    def run(task, **words):
        try:
            task(Context(), **words)
            code = 0
        except Exit as ended:
            code = ended.code
        return code, capsys.readouterr()

    return run


@pytest.fixture
def real(ledger, a_proof):
    """A record of a claim that is in the registry, with its check's true digest."""
    finding = proofs.result("stays_up", {"window_s": 3, "looks": []})
    verdict = finding.finding.verdict.name
    claim = Claim("red", "stays_up", finding.text, finding.check_sha256, verdict, ("r",), "e")
    return ledger.append(
        a_proof(outcome=verdict, claims=(claim,), evidence={"e": finding.evidence})
    )


def test_history_is_one_plain_line_per_record_in_a_pipe(three, types_):
    code, said = types_(typed.history)
    assert code == 0
    assert [line.split()[:3] for line in said.out.splitlines()] == [
        [entry.id, entry.kind, entry.outcome] for entry in three
    ]


def test_history_narrows_by_kind_and_host(three, types_):
    assert types_(typed.history, kind="deploy")[1].out.count("\n") == 1
    assert types_(typed.history, host="blue")[1].out.count("\n") == 3
    assert types_(typed.history, host="green")[1].out == ""


def test_history_as_json_is_one_document(three, types_):
    document = json.loads(types_(typed.history, json=True)[1].out)
    assert [each["sequence"] for each in document["records"]] == [1, 2, 3]


def test_history_of_nothing_yet_is_no_error(types_):
    assert types_(typed.history)[0] == 0


def test_show_prints_claims_and_where_the_page_lies(three, types_):
    code, said = types_(typed.show, id=three[1].id)
    assert code == 0
    assert "red  refuted  effect_flows" in said.out
    assert f"{three[1].id}/report.html" in said.out


def test_proof_show_prints_the_evidence_too(three, types_):
    assert '"count": 2' in types_(typed.show_proof, id=three[1].id)[1].out
    document = json.loads(types_(typed.show_proof, id=three[1].id, json=True)[1].out)
    assert document["claims"][0]["evidence"] == {"count": 2}


def test_a_record_that_is_not_there_is_one_clear_error(three, types_):
    code, said = types_(typed.show, id="nowhere")
    assert code == 1
    assert "no record has 'nowhere'" in said.err
    assert "next: invoke history" in said.err


def test_verify_says_so_when_all_is_as_written(real, types_):
    code, said = types_(typed.verify)
    assert (code, said.out) == (0, "1 records verified: chain, digests, checks\n")


def test_verify_exits_1_on_a_changed_byte_and_names_the_record(ledger, real, types_):
    path = ledger.root / real.id / "report.html"
    path.write_bytes(path.read_bytes() + b" ")
    code, said = types_(typed.verify)
    assert code == 1
    assert f"{real.id}  file_changed" in said.out
    document = json.loads(types_(typed.verify, json=True)[1].out)
    assert document["exit_code"] == 1
    assert document["problems"][0]["kind"] == "file_changed"


def test_verify_exits_2_where_a_crash_may_have_left_a_record_without_a_line(ledger, real, types_):
    (ledger.root / "20261121T000000Z-proof-abcdef").mkdir()
    code, said = types_(typed.verify)
    assert code == 2
    assert "orphan" in said.out


@pytest.mark.parametrize("claim", sorted(proofs.REGISTRY))
def test_explain_prints_the_claim_and_how_it_is_checked(types_, claim):
    code, said = types_(typed.explain, claim=claim)
    assert code == 0
    assert "Claim: " in said.out
    assert "checked: " in said.out


def test_explain_of_an_unknown_claim_names_the_known_ones(types_):
    code, said = types_(typed.explain, claim="all_is_well")
    assert code == 3
    assert "effect_flows" in said.err


def test_no_problem_asks_for_no_exit_code():
    assert exit_code([]) == 0
