"""A failing schedule of twenty faults, on a real system with a planted bug, shrinks to one or two.

Each part of it is a run of its own, so this belongs to the soak alone; the suite has the model.
"""

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from commands import fault_runs
from commands.choosing import choose
from fault_injection.schedules import decode, encode
from tests import starting
from tests.e2e.conftest import PROJECT, person  # noqa: F401  the same person
from tests.oracles.scale import SOAK
from tests.runs.hastening import hastened

FAULTS, FEW = 20, 3
#: Each part takes a minute or two.
WITHIN_S = 5_400
#: What a dead consumer left is taken over, and acknowledged there and then, with no effect.
RIGHT = "claimed = claimed + 1\n"
WRONG = f"redis.call('XACK', stream, group, id)\n          {RIGHT}"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".cache", "records", ".sandbox", "__pycache__")


@pytest.fixture
def forgetful(person, tmp_path):  # noqa: F811
    """The project with that bug, as somebody would deploy it."""
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=LEFT_OUT)
    script = project / "streams/scripts/reclaim.lua"
    text = script.read_text()
    assert text.count(RIGHT) == 1
    script.write_text(text.replace(RIGHT, WRONG))
    other = replace(person, project=project)
    other.types("deploy", "--yes")
    other.types("faults.allow", "--yes", "--minutes", "240")
    return other


def twenty(someone):
    """Kills, repetitions and poison, and amid them one consumer that dies with its claims."""
    chosen = choose(None, str(someone.inventory), "")
    one_of = {}
    for name in ("stale_pending_claims", "duplicate_events", "poisoned_events"):
        for seed in range(8):
            for each in fault_runs.drawn_one(chosen, name, seed).faults:
                one_of.setdefault(each.fault, []).append(each)
    (dying, *_) = [each for each in one_of["die_with_pending"] if "decision" in str(each.words)]
    harmless = [
        each
        for group in zip(one_of["kill_consumer"], one_of["repeat_events"], one_of["poison_events"])  # noqa: B905
        for each in group
    ][: FAULTS - 1]
    every = [*harmless[:11], dying, *harmless[11:]]
    base = fault_runs.drawn_one(chosen, "stale_pending_claims", 1)
    every = [replace(each, number=number) for number, each in enumerate(every, 1)]
    return hastened(replace(base, faults=tuple(every)))


def test_twenty_faults_shrink_to_the_one_that_it_takes(forgetful, record_property):
    assert SOAK, "each part is a run: python -m tests.oracles.soak shrinking"
    schedule = twenty(forgetful)
    assert len(schedule.faults) == FAULTS
    path = forgetful.folder / "twenty.json"
    path.write_bytes(encode(schedule))
    failed = forgetful.asks("faults.replay", str(path), "--yes", code=1)
    assert failed["findings"]["lost"]["verdict"] == "refuted", failed
    words = ["invoke", "faults.shrink", "-i", str(forgetful.inventory), "--id", failed["run"]]
    done = starting.run([*words, "--yes", "--json"], os.environ, forgetful.project, WITHIN_S)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    record_property("faults", FAULTS)
    record_property("left", len(found["faults"]))
    record_property("runs", found["runs"])
    sys.stdout.write(json.dumps(found) + "\n")
    assert found["minimal"]
    assert 1 <= len(found["faults"]) <= FEW
    assert "die_with_pending" in found["faults"]
    again = forgetful.asks("faults.replay", found["schedule"], "--yes", code=1)
    assert again["findings"]["lost"]["verdict"] == "refuted"
    assert len(decode(Path(found["schedule"]).read_bytes()).faults) == len(found["faults"])
