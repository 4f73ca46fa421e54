"""Whatever is changed in a ledger by hand is found, and named."""

from __future__ import annotations

import base64
import json
import shutil

import pytest

from harness.errors import LedgerError
from harness.ledger.auditing import verify
from harness.ledger.checks import Check
from harness.ledger.ledger import line_hash
from harness.ledger.records import canonical, opened, sha256
from harness.ledger.verifying import Problem, Weight, exit_code


def lines(ledger):
    return (ledger.root / "ledger.jsonl").read_bytes().splitlines(keepends=True)


def put(ledger, changed):
    (ledger.root / "ledger.jsonl").write_bytes(b"".join(changed))


def flip(path, at=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(bytes(data))


def test_an_untouched_ledger_has_no_problem(three, problems):
    assert problems() == []


def test_a_ledger_that_does_not_exist_yet_has_no_problem(problems):
    assert problems() == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("statement.json", "file_changed"),
        ("report.html", "file_changed"),
        ("junit.xml", "file_changed"),
        ("evidence/*", "evidence_changed"),
    ],
)
def test_one_flipped_bit_in_any_file_of_a_record_is_found(ledger, three, problems, name, kind):
    for path in sorted((ledger.root / three[0].id).glob(name)):
        before = path.read_bytes()
        flip(path)
        assert kind in problems()
        path.write_bytes(before)
    assert problems() == []


@pytest.mark.parametrize("name", ["statement.json", "report.html", "junit.xml"])
def test_a_file_that_is_gone_is_found(ledger, three, problems, name):
    (ledger.root / three[0].id / name).unlink()
    assert "file_missing" in problems()


def test_evidence_that_is_gone_is_found(ledger, three, problems):
    for path in (ledger.root / three[0].id / "evidence").iterdir():
        path.unlink()
    assert problems() == ["evidence_missing", "evidence_missing"]


def test_a_whole_record_that_is_gone_is_found(ledger, three, problems):
    shutil.rmtree(ledger.root / three[1].id)
    assert problems() == ["file_missing"] * 3


def test_a_file_that_was_added_is_found(ledger, three, problems):
    (ledger.root / three[0].id / "evidence" / ("d" * 64)).write_bytes(b"more")
    assert problems() == ["file_added"]


def test_every_bit_of_a_line_counts(ledger, three, problems):
    path = ledger.root / "ledger.jsonl"
    before = path.read_bytes()
    for at in range(0, len(before) - 1, 7):
        flip(path, at)
        assert problems(), f"byte {at}"
        path.write_bytes(before)


def test_a_dropped_line_is_found(ledger, three, problems):
    first, _, third = lines(ledger)
    put(ledger, [first, third])
    assert problems() == ["chain_broken", "orphan"]


def test_a_dropped_last_line_shows_by_the_record_it_leaves(ledger, three, problems):
    put(ledger, lines(ledger)[:2])
    assert problems() == ["orphan"]


def test_swapped_lines_are_found(ledger, three, problems):
    first, second, third = lines(ledger)
    put(ledger, [second, first, third])
    assert problems().count("chain_broken") == 3


def test_a_line_that_stands_there_twice_is_found(ledger, three, problems):
    first, second, third = lines(ledger)
    put(ledger, [first, second, second, third])
    assert {"replayed", "chain_broken"} <= set(problems())


def test_a_line_that_is_no_entry_is_found(ledger, three, problems):
    put(ledger, [lines(ledger)[0], b'{"sequence": 2}\n'])
    assert "line_unreadable" in problems()


def test_a_torn_last_line_is_doubt_and_not_damage(ledger, three, checks):
    with (ledger.root / "ledger.jsonl").open("ab") as file:
        file.write(b'{"sequence":4,"id":"2026')
    found = verify(ledger.root, checks)
    assert [(problem.kind, problem.weight) for problem in found] == [("torn_line", Weight.doubt)]


def forge(ledger, entry, **changes):
    """Change a verdict in a statement, and every digest of it that lies below the record."""
    path = ledger.root / entry.id / "statement.json"
    said = opened(path.read_bytes())
    said["predicate"]["claims"][0].update(changes)
    outer = json.loads(path.read_bytes())
    outer["payload"] = base64.b64encode(canonical(said)).decode()
    path.write_bytes(canonical(outer))
    return sha256(path.read_bytes())


def test_a_forged_verdict_is_found_by_its_line_and_by_its_evidence(ledger, three, problems):
    forge(ledger, three[1], verdict="proved")
    assert problems() == ["file_changed", "verdict_differs"]


def test_a_forged_verdict_with_a_forged_line_breaks_the_chain_after_it(ledger, three, problems):
    digest = forge(ledger, three[1], verdict="proved")
    first, second, third = lines(ledger)
    line = json.loads(second)
    line["files"]["statement.json"] = digest
    line["hash"] = line_hash(line)
    put(ledger, [first, canonical(line) + b"\n", third])
    assert problems() == ["chain_broken", "verdict_differs"]


def test_a_verdict_forged_all_the_way_down_still_disagrees_with_its_evidence(
    ledger, three, problems
):
    digest = forge(ledger, three[1], verdict="proved")
    first, second, third = (json.loads(line) for line in lines(ledger))
    second["files"]["statement.json"] = digest
    second["hash"] = line_hash(second)
    third["previous"] = second["hash"]
    third["hash"] = line_hash(third)
    put(ledger, [canonical(line) + b"\n" for line in (first, second, third)])
    assert problems() == ["verdict_differs"]


def test_a_line_that_tells_another_outcome_than_its_statement_is_found(ledger, three, problems):
    *rest, last = (json.loads(line) for line in lines(ledger))
    last["outcome"] = "rolled_back"
    last["hash"] = line_hash(last)
    put(ledger, [canonical(line) + b"\n" for line in (*rest, last)])
    assert problems() == ["line_differs"]


def test_a_check_whose_code_has_changed_is_named_and_doubted_only_when_it_disagrees(
    ledger, three, checks
):
    same = {"effect_flows": Check(checks["effect_flows"].judge, "d" * 64)}
    found = verify(ledger.root, same, three[0].id)
    assert [(p.kind, p.weight) for p in found] == [("check_changed", Weight.note)]
    other = {"effect_flows": Check(lambda _: checks["effect_flows"].judge({"count": 9}), "d" * 64)}
    found = verify(ledger.root, other, three[0].id)
    assert [(p.kind, p.weight) for p in found] == [("check_changed", Weight.doubt)]


def test_a_check_that_is_gone_is_doubt(ledger, three):
    found = verify(ledger.root, {}, three[0].id)
    assert [(p.kind, p.weight) for p in found] == [("check_missing", Weight.doubt)]


def test_only_one_record_is_looked_into_when_one_is_named(ledger, three, problems):
    flip(ledger.root / three[0].id / "report.html")
    assert problems(three[1].id) == []
    assert problems(three[0].id) == ["file_changed"]
    with pytest.raises(LedgerError, match="no line has"):
        problems("nowhere")


def test_broken_outweighs_doubt_and_doubt_outweighs_nothing():
    note, doubt, broken = (
        Problem("x", "", "", weight) for weight in (Weight.note, Weight.doubt, Weight.broken)
    )
    assert exit_code([]) == 0
    assert exit_code([note]) == 0
    assert exit_code([doubt, note]) == 2
    assert exit_code([doubt, broken]) == 1
