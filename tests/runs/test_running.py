"""A run from its schedule to its record: typed as a person types it, on a real sandbox."""

import json

from fault_injection.checkers import judge_file
from fault_injection.history.happenings import (
    GONE,
    INJECTED,
    OBSERVED,
    STAGES,
    Fault,
    Process,
    Reached,
    Steady,
)
from fault_injection.history.reading import read
from fault_injection.runs.folder import Folder
from tests.runs.hastening import kept, kept_day

MOST_BYTES = 1 << 20


def the_run(person, said) -> Folder:
    return Folder(person.folder / "records" / "faults" / said["run"])


def test_a_run_is_proved_recorded_and_leaves_everything_as_it_was(breakable):
    before = breakable.asks("plan")
    said = breakable.asks("faults.replay", str(kept(breakable, "duplicate_events", 7)), "--yes")
    run = the_run(breakable, said)
    assert said["verdict"] == "proved", said
    history = read(run.history)
    for number in {each.fault for each in history.of(Fault)}:
        stages = [each.stage for each in history.of(Fault) if each.fault == number]
        assert stages == list(STAGES)
    phases = [each.phase for each in history.of(Steady) if each.phase != "during"]
    assert phases == ["before", "after", "after"]
    assert all(each.well for each in history.of(Steady) if each.phase != "during")
    # the verdict is computed from the file, and the record says which file
    assert judge_file(run.history).told()["verdict"] == run.judgement()["verdict"] == "proved"
    page = run.report.read_bytes()
    assert b"duplicate_events" in page
    assert len(page) < MOST_BYTES
    (record,) = [each for each in breakable.asks("history")["records"] if each["kind"] == "fault"]
    assert (record["id"], record["outcome"]) == (said["record"], "proved")
    shown = breakable.asks("ledger.show", "--id", said["record"])["statement"]["predicate"]
    assert set(shown["files"]) == {
        "schedule.json", "history.jsonl", "stood.json", "judgement.json", "report.html",
    }  # fmt: skip
    breakable.types("ledger.verify")
    assert breakable.asks("plan") == before
    assert breakable.asks("faults.heal")["hosts"]["box"] == {"healed": []}
    refused = breakable.types("faults.resume", "--id", said["run"], code=3)
    assert "came to its end" in refused.stderr
    refused = breakable.types("faults.shrink", "--id", said["run"], "--yes", code=3)
    assert "nothing to shrink" in refused.stderr


def test_a_death_that_was_to_come_must_be_seen(breakable):
    path = kept(breakable, "restart_mid_intent", 3, most=1)
    schedule = json.loads(path.read_text())
    said = breakable.asks("faults.replay", str(path), "--yes")
    assert said["verdict"] == "proved", said
    (reached,) = read(the_run(breakable, said).history).of(Reached)
    assert schedule["faults"][0]["unit"] in reached.target

    # at a point that nobody ever comes to nothing dies, however well all the rest goes
    (word,) = schedule["faults"][0]["words"]
    word["lines"] = ["[Service]", "Environment=QUANTUM_FAILPOINTS=execution.nowhere=1*kill"]
    path.write_text(json.dumps(schedule))
    said = breakable.asks("faults.replay", str(path), "--yes", code=2)
    assert said["findings"]["not_vacuous"]["verdict"] == "unknown"
    assert "never reached" in said["findings"]["not_vacuous"]["reasons"][0]
    assert said["verdict"] == "unknown"


def test_who_is_to_be_killed_again_is_waited_for_until_it_is_up(breakable):
    path = kept(breakable, "consumers_killed", 5, most=2)
    schedule = json.loads(path.read_text())
    one, other = schedule["faults"]
    other |= {key: one[key] for key in ("unit", "words", "undo_at_ms")}
    other["at_ms"] = one["at_ms"] + 300  # it takes seconds to come up
    path.write_text(json.dumps(schedule))
    said = breakable.asks("faults.replay", str(path), "--yes")
    assert said["verdict"] == "proved", said
    observed = [
        each.fault for each in read(the_run(breakable, said).history).of(Fault)
        if each.stage == OBSERVED
    ]  # fmt: skip
    assert observed == ["1", "2"]


def test_a_day_is_one_scenario_after_the_other_with_one_verdict(breakable):
    names = ("poisoned_events", "consumers_killed")
    said = breakable.asks("faults.replay", str(kept_day(breakable, 2, *names)), "--yes")
    assert said["verdict"] == "proved", said
    run = the_run(breakable, said)
    history = read(run.history)
    begun = [each.said.partition(",")[0] for each in history.of(Process) if each.did == "begins"]
    assert tuple(begun) == names
    phases = [each.phase for each in history.of(Steady) if each.phase != "during"]
    assert phases[:4] == ["before", "after", "before", "after"]
    at = {(each.fault, each.stage): each.wall_ns for each in history.of(Fault)}
    assert at["1", GONE] < at["2", INJECTED]
    assert all(name.encode() in run.report.read_bytes() for name in names)
