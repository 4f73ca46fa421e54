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
from fault_injection.scenarios.holding import WATCHED
from tests.runs.hastening import kept, kept_day

MOST_BYTES = 1 << 20


def the_run(person, said) -> Folder:
    return Folder(person.folder / "records" / "faults" / said["run"])


def test_a_day_is_proved_recorded_and_leaves_everything_as_it_was(breakable):
    names = ("duplicate_events", "stale_pending_claims", "consumers_killed")
    path = kept_day(breakable, 5, *names)
    again = killed_again(path)
    before = breakable.asks("plan")
    said = breakable.asks("faults.replay", str(path), "--yes")
    run = the_run(breakable, said)
    assert said["verdict"] == "proved", said
    history = read(run.history)
    for number in {each.fault for each in history.of(Fault)}:
        stages = [each.stage for each in history.of(Fault) if each.fault == number]
        assert stages == list(STAGES)
    # one scenario after the other, each from a steady state to a steady state
    begun = [each.said.partition(",")[0] for each in history.of(Process) if each.did == "begins"]
    assert tuple(begun) == names
    phases = [each.phase for each in history.of(Steady) if each.phase != "during"]
    assert phases == [*(["before", "after"] * len(names)), "after"]
    assert all(each.well for each in history.of(Steady) if each.phase != "during")
    at = {(each.fault, each.stage): each.wall_ns for each in history.of(Fault)}
    assert at["1", GONE] < at["2", INJECTED]
    assert at["2", GONE] < at["3", INJECTED]
    # who was to be killed again before it was up has been waited for
    assert at["3", OBSERVED] < at[again, OBSERVED]
    # what rests on the watch was asked, and what the dead one held was seen to be taken over
    assert set(history.opening.rests_on) == WATCHED
    assert all(said["findings"][name]["verdict"] == "proved" for name in WATCHED)
    assert said["findings"]["claims_from_the_dead"]["numbers"]["claims"] > 0
    # the verdict is computed from the file, and the record says which file
    assert judge_file(run.history).told()["verdict"] == run.judgement()["verdict"] == "proved"
    page = run.report.read_bytes()
    assert all(name.encode() in page for name in names)
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


def killed_again(path) -> str:
    """Have the last fault's unit killed once more before it can be up; returns that fault."""
    schedule = json.loads(path.read_text())
    last = schedule["faults"][-1]
    number = last["number"] + 1
    schedule["faults"].append({**last, "number": number, "at_ms": last["at_ms"] + 300})
    path.write_text(json.dumps(schedule))
    return str(number)


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
