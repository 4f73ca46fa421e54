"""Records say what ran: a failure stays a failure, and nothing at all is no success."""

import json

from tests.oracles import recording, soak

PASSED = """<testcase name="test_blows[redis]" time="61.2"><properties>
<property name="server" value="Redis 7.0.15"/><property name="produced" value="1000000"/>
</properties></testcase>"""
FAILED = """<testcase name="test_blows[redis8]" time="3">
<failure message="assert 1 == 2">trace</failure></testcase>"""
SKIPPED = """<testcase name="test_other" time="0"><skipped message="no server"/></testcase>"""


def outcome(*cases, code=0):
    suite = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    return recording.outcome(suite, code)


def record(*cases, when="2026-11-21T08:00:00+00:00"):
    said = {"topic": "blows", "when": when, "commit": "abc", "changed_since_commit": False}
    return {**said, **outcome(*cases)}


def test_what_passed_is_noted_with_its_numbers():
    assert outcome(PASSED) == {
        "outcome": "passed",
        "cases": {"passed": 1, "failed": 0, "skipped": 0},
        "tests": [{
            "test": "test_blows", "cases": 1, "result": "passed", "took_s": 61.2,
            "runs": [{
                "case": "test_blows[redis]", "result": "passed", "took_s": 61.2,
                "noted": {"server": "Redis 7.0.15", "produced": 1_000_000},
            }],
        }],
    }  # fmt: skip


def test_one_failure_fails_the_run_and_is_named():
    seen = outcome(PASSED, FAILED)
    assert seen["outcome"] == "failed"
    (test,) = seen["tests"]
    assert test["result"] == "failed"
    assert {each["case"]: each["result"] for each in test["runs"]} == {
        "test_blows[redis]": "passed", "test_blows[redis8]": "failed",
    }  # fmt: skip


def test_what_was_skipped_is_no_success():
    assert outcome(PASSED, SKIPPED)["outcome"] == "failed"


def test_nothing_at_all_is_no_success():
    assert outcome()["outcome"] == "failed"
    assert recording.outcome("", 0)["outcome"] == "failed"


def test_a_run_that_was_broken_off_is_no_success():
    assert outcome(PASSED, code=2)["outcome"] == "failed"
    broken_off = '<testcase time="1"><error message="KeyboardInterrupt"/></testcase>'
    assert outcome(PASSED, broken_off)["tests"][1]["test"] == "broken off"


def test_a_failed_run_stays_in_the_table_beside_later_ones(tmp_path):
    recording.write(tmp_path, "1-blows", record(PASSED, FAILED, when="2026-11-21T08:00:00+00:00"))
    recording.write(tmp_path, "2-blows", record(PASSED, when="2026-11-22T08:00:00+00:00"))
    assert json.loads((tmp_path / "1-blows.json").read_text())["outcome"] == "failed"
    rows = (tmp_path / "README.md").read_text().splitlines()[-3:]
    assert rows[0].startswith("| 2026-11-22 08:00 | blows | blows | Redis 7.0.15 | passed |")
    assert "produced 1000000" in rows[0]
    assert rows[1].startswith("| 2026-11-21 08:00 | blows | blows | Redis 7.0.15 | passed |")
    assert rows[2].startswith("| 2026-11-21 08:00 | blows | blows |  | failed |")


def test_what_noted_nothing_is_told_in_sum():
    quiet = PASSED[: PASSED.index("<prop")] + "</testcase>"
    (row,) = recording.table([record(quiet, quiet)]).splitlines()[-1:]
    assert "| all others |  | passed | 1 tests, 2 cases | 122 s | abc |" in row
    (row,) = recording.table([record()]).splitlines()[-1:]
    assert "| nothing ran | 0 tests, 0 cases |" in row


def test_every_topic_names_tests_that_exist():
    for _, where in soak.TOPICS.values():
        assert (soak.ROOT / where).exists(), where


def test_an_unknown_topic_is_refused(capsys):
    assert soak.main(["hopes"]) == 3
    assert "no such topic: hopes" in capsys.readouterr().err


def test_the_machine_is_told_without_a_name():
    assert set(soak.machine()) == {"cores", "memory_gib", "system", "python"}
