from __future__ import annotations

import base64
import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from harness.errors import LedgerError
from harness.ledger.ledger import GENESIS, Ledger
from harness.ledger.records import VERSION, opened
from harness.masking import Secret

PROJECT = Path(__file__).parent.parent.parent


def test_each_line_names_the_one_before_it(ledger, three):
    assert [entry.sequence for entry in three] == [1, 2, 3]
    assert [entry.previous for entry in three] == [GENESIS, three[0].hash, three[1].hash]
    assert ledger.entries() == tuple(three)


def test_a_record_can_be_loaded_by_part_of_its_id(ledger, three):
    loaded = ledger.load(three[1].id[-6:])
    assert loaded.entry == three[1]
    assert loaded.statement["predicate"]["claims"][0]["verdict"] == "refuted"
    digest = loaded.statement["predicate"]["evidence"]["flow"]
    assert json.loads(loaded.evidence[digest]) == {"count": 2}


@pytest.mark.parametrize(("word", "cause"), [("nothing", "no record has"), ("proof", "2 records")])
def test_an_id_that_names_none_or_several_is_refused(ledger, three, word, cause):
    with pytest.raises(LedgerError, match=cause):
        ledger.load(word)


def test_the_statement_is_an_in_toto_statement_in_an_envelope_with_room_for_signatures(
    ledger, three
):
    outer = json.loads((ledger.root / three[0].id / "statement.json").read_bytes())
    assert outer["payloadType"] == "application/vnd.in-toto+json"
    assert outer["signatures"] == []
    inner = json.loads(base64.b64decode(outer["payload"]))
    assert inner["_type"] == "https://in-toto.io/Statement/v1"
    assert inner["subject"] == [
        {"name": "red:/etc/quantum/p35.env", "digest": {"sha256": "a" * 64}}
    ]
    said = inner["predicate"]
    assert said["tool"] == {"name": "quantum-ops", "version": VERSION}
    assert (said["operator"], said["inventory"], said["mode"]) == ("ada", "lab", "testnet")
    assert said["claims"][0]["check_sha256"] == "c" * 64


def test_the_recorded_version_is_the_projects():
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_only_proofs_have_junit_xml(ledger, three):
    assert (ledger.root / three[1].id / "junit.xml").exists()
    assert not (ledger.root / three[2].id / "junit.xml").exists()
    text = (ledger.root / three[1].id / "junit.xml").read_text()
    assert 'failures="1"' in text
    assert '<failure message="seen once">' in text


def test_no_form_of_a_secret_reaches_any_file(tmp_path, a_proof):
    value = 'pa"ss/w ö&rd+9'
    spelled = {
        "raw": value.encode(),
        "json": json.dumps({"count": 1, "said": value}).encode(),
        "base64": base64.b64encode(b"user:" + value.encode()),
        "hex": value.encode().hex().upper().encode(),
    }
    record = a_proof(evidence={"flow": b'{"count": 1}', **spelled}, operator=f"ada {value}")
    ledger = Ledger(tmp_path / "records", secrets=[Secret(value), Secret("")])
    entry = ledger.append(record)
    inner = (value.encode(), value.encode().hex().encode(), base64.b64encode(value.encode()))
    folder = ledger.root / entry.id
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    contents.append(json.dumps(opened((folder / "statement.json").read_bytes())).encode())
    for data in contents:
        assert not any(form in data or form.upper() in data for form in inner)
    marked = ledger.load(entry.id).evidence.values()
    assert any(re.fullmatch(rb"[0-9a-f]{12}", blob) for blob in marked)


def test_a_secret_that_survives_redaction_stops_the_append(tmp_path, a_proof, monkeypatch):
    monkeypatch.setattr("harness.ledger.ledger.redact", lambda data, *_: data)
    ledger = Ledger(tmp_path / "records", secrets=[Secret("correct horse")])
    record = a_proof(evidence={"flow": b'{"count": 1}', "log": b"the correct horse is here"})
    with pytest.raises(LedgerError, match="known secret"):
        ledger.append(record)
    assert ledger.entries() == ()
    assert not [path for path in ledger.root.iterdir() if path.is_dir()]


def test_a_secret_that_is_a_word_of_the_record_is_refused_and_not_a_crash(tmp_path, a_proof):
    ledger = Ledger(tmp_path / "records", secrets=[Secret("claims")])
    with pytest.raises(LedgerError, match="ordinary word") as caught:
        ledger.append(a_proof())
    assert "ordinary word" in str(caught.value)


def test_an_append_that_fails_says_so_and_the_next_one_chains_on(
    ledger, three, a_proof, mocked_full
):
    with mocked_full(), pytest.raises(LedgerError, match="No space left"):
        ledger.append(a_proof())
    entry = ledger.append(a_proof())
    assert (entry.sequence, entry.previous) == (4, three[2].hash)


@pytest.fixture
def mocked_full(monkeypatch):
    """A disk that has no room for anything but half a line."""

    def full():
        context = monkeypatch.context()
        patch = context.__enter__()
        write = os.write

        def half(descriptor, data):
            if bytes(data[:1]) == b"{" and b'"sequence"' in bytes(data):
                write(descriptor, data[: len(data) // 2])
                raise OSError(28, "No space left on device")
            return write(descriptor, data)

        patch.setattr(os, "write", half)

        class Undo:
            def __enter__(self):
                return self

            def __exit__(self, *reason):
                return context.__exit__(*reason)

        return Undo()

    return full


def test_records_are_readable_by_their_owner_alone(ledger, three):
    modes = {path.stat().st_mode & 0o077 for path in ledger.root.rglob("*")}
    assert modes == {0}
