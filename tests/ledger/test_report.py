from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from harness.ledger import junit, report


def statement(**changes):
    predicate = {
        "id": "r1", "kind": "proof", "at": "2026-11-21T04:00:00Z", "outcome": "refuted",
        "inventory": "lab", "mode": "testnet", "operator": "ada", "hosts": ["red"],
        "tool": {"name": "quantum-ops", "version": "0"}, "evidence": {"e": "d1", "log": "d2"},
        "claims": [
            {"id": "flows", "host": "red", "text": "It flows.", "check_sha256": "c" * 64,
             "verdict": "refuted", "reasons": ["<b>not</b> & \x01"], "numbers": {"n": 1},
             "evidence_sha256": "d1"},
        ],
        **changes,
    }  # fmt: skip
    return {"subject": [{"name": "red:/x", "digest": {"sha256": "a" * 64}}], "predicate": predicate}


BLOBS = {"d1": b'{"b":1,"a":"</pre><script>alert(1)</script>"}', "d2": b"\xff a log"}


def test_the_verdict_is_the_first_thing_that_is_said():
    page = report.render(statement(), BLOBS).decode()
    body = page.partition("<body>")[2]
    assert re.search(r">([^<]+)<", body)[1] == "Refuted: at least one claim does not hold. (red)"


def test_equal_records_give_equal_bytes():
    assert report.render(statement(), BLOBS) == report.render(
        statement(), dict(reversed(BLOBS.items()))
    )


def test_the_page_needs_no_network_and_no_script_and_escapes_what_it_shows():
    page = report.render(statement(), BLOBS).decode()
    assert "<script" not in page
    assert not re.search(r"(src|href)\s*=|url\(|https?:", page)
    assert "&lt;b&gt;not&lt;/b&gt; &amp;" in page


def test_a_deploy_without_claims_and_with_steps_is_shown():
    steps = [{"host": "red", "name": "file /x", "took_ms": 3, "outcome": "done"}, {"name": "end"}]
    page = report.render(
        statement(kind="deploy", outcome="committed", claims=[], steps=steps, git={"dirty": True},
                  facts={"red": {"kernel": "6"}}), BLOBS
    ).decode()  # fmt: skip
    assert "Deployed: the gate passed" in page
    assert "file /x" in page
    assert "3 ms" in page


def test_an_outcome_without_a_sentence_of_its_own_is_said_as_it_is():
    page = report.render(statement(outcome="half_done"), BLOBS).decode()
    assert ">Half done. (red)<" in page


def test_a_hundred_thousand_operations_stay_under_a_mebibyte():
    evidence = {"d1": b'{"operations": [' + b'"operation",' * 100_000 + b'""]}', "d2": b"x" * 10**7}
    assert len(report.render(statement(), evidence)) < 1 << 20


def test_junit_counts_refuted_as_failures_and_unknown_as_errors():
    claims = [
        {"id": name, "host": "red", "verdict": name, "reasons": ['why "<&\x00']}
        for name in ("proved", "refuted", "unknown")
    ]
    suite = ET.fromstring(junit.render(statement(claims=claims)))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [case.get("name") for case in suite] == ["proved", "refuted", "unknown"]
    assert suite[1][0].tag == "failure"
