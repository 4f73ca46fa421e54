"""A run's folder becomes its report, again and again, whatever is missing in it."""

import json

import pytest

from fault_injection.checkers import judge
from fault_injection.history.reading import history_of
from fault_injection.report import render_folder, summary
from fault_injection.report.__main__ import main
from fault_injection.schedules import encode
from harness.errors import HistoryError, QuantumError
from tests.checkers.running import BRIEF, Run


def run(seed):
    return Run(seed, faults=("Kill",), steps=BRIEF).history()


@pytest.fixture
def folder(tmp_path, plan):
    made = tmp_path / "faults" / "run-2"
    made.mkdir(parents=True)
    (made / "history.jsonl").write_bytes(run(3))
    (made / "schedule.json").write_bytes(encode(plan))
    return made


def before(folder, name, **changes):
    """Lay down a run before it."""
    history = history_of(run(4))
    said = {**summary(history, judge(history)), "began_ns": 1, **changes}
    (folder.parent / name).mkdir()
    (folder.parent / name / "judgement.json").write_text(json.dumps({"summary": said}))


def test_it_is_written_and_is_the_same_when_written_again(folder):
    path = render_folder(folder)
    assert path == folder / "report.html"
    first = path.read_bytes()
    render_folder(folder)
    assert path.read_bytes() == first
    assert sorted(each.name for each in folder.iterdir()) == [
        "history.jsonl", "report.html", "schedule.json",
    ]  # fmt: skip
    assert b"Against the day before" not in first


def test_it_is_compared_with_the_last_run_before_it_of_the_same_inventory(folder):
    before(folder, "run-0", began_ns=1, lost=5)
    before(folder, "run-1", began_ns=2, lost=7)
    before(folder, "elsewhere", began_ns=3, inventory="production", lost=8)
    before(folder, "later", began_ns=10**30, lost=9)
    (folder.parent / "broken").mkdir()
    (folder.parent / "broken" / "judgement.json").write_text("[1]")
    page = render_folder(folder).read_text()
    assert "Against the day before" in page
    assert '<td>lost</td><td class="n">7</td><td class="n">0</td>' in page


def test_without_a_schedule_the_page_says_so(folder):
    for lost in (lambda path: path.write_text("{}"), lambda path: path.unlink()):
        lost(folder / "schedule.json")
        assert "No schedule was found" in render_folder(folder).read_text()


def test_without_a_history_there_is_none_and_the_error_says_what_to_do(folder):
    (folder / "history.jsonl").unlink()
    with pytest.raises(HistoryError, match=r"history\.jsonl"):
        render_folder(folder)
    assert not (folder / "report.html").exists()


def test_where_it_cannot_be_written_no_half_of_it_stays(folder):
    (folder / "report.html").mkdir()
    with pytest.raises(HistoryError):
        render_folder(folder)
    assert not list(folder.glob("*.half"))


def test_people_can_ask_for_one_life(folder):
    assert main([str(folder)]) == str(folder / "report.html")
    said = main([str(folder), "trace-routing-1"])
    assert "invoked" in said.splitlines()[0]
    assert any("effect" in each for each in said.splitlines())
    for words in ([str(folder), "nobody"], [], ["a", "b", "c"], [str(folder / "none")]):
        with pytest.raises(QuantumError) as refused:
            main(words)
        assert refused.value.action
