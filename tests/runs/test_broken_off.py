"""Whoever breaks a run off, by key, file or SIGKILL: nothing stays broken, nothing is proved."""

import json
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

from fault_injection.history.happenings import GONE, OBSERVED, Fault, Process
from fault_injection.history.reading import read
from fault_injection.runs import folder as folders
from harness.errors import DONE, FAILED, IN_DOUBT, MISCONFIGURED
from tests.e2e.conftest import INVOKE, PROJECT
from tests.oracles.scale import sized
from tests.runs.hastening import kept
from tests.waiting import until

#: How many deaths of the harness each lane sees, one after the other on a sandbox of its own.
DEATHS, LANES = sized(2, 25), sized(1, 4)
#: About how long a whole run takes; a death may come at any moment of it.
LASTS_S = 30.0
WITHIN_S = 240.0
#: Whoever runs these tests in the background ignores Ctrl-C, and so would all below.
HEARS_KEYS = ("env", "--default-signal=INT")


class Going:
    """A run that goes on in a process of its own."""

    def __init__(self, person, schedule) -> None:
        self.person = person
        self.known = {each.id for each in folders.runs(person.folder / "records")}
        self.process = subprocess.Popen(
            [
                *HEARS_KEYS, *INVOKE, "faults.replay", str(schedule),
                "-i", str(person.inventory), "--yes",
            ],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def folder(self):
        new = [
            each for each in folders.runs(self.person.folder / "records")
            if each.id not in self.known
        ]  # fmt: skip
        return new[-1] if new else None

    def until_broken(self):
        def observed():
            place = self.folder()
            if place is None or not place.history.exists():
                return False
            return any(each.stage == OBSERVED for each in read(place.history).of(Fault))

        until(observed, within_s=WITHIN_S, what="a fault that is observed")
        return self.folder()

    def ended(self) -> str:
        said, _ = self.process.communicate(timeout=240)
        return said


def stands_as_before(person, before) -> None:
    assert person.asks("faults.heal")["hosts"]["box"] == {"healed": []}
    assert person.asks("plan") == before


def test_a_stop_file_and_a_key_end_a_run_and_heal_at_once(breakable):
    before = breakable.asks("plan")
    schedule = kept(breakable, "consumers_killed", 5)
    going = Going(breakable, schedule)
    place = going.until_broken()
    place.stop.touch()
    said = going.ended()
    assert going.process.returncode in {DONE, IN_DOUBT}, said
    history = read(place.history)
    assert history.closed
    assert any(each.said == "somebody made the stop file" for each in history.of(Process))
    stages = [each.stage for each in history.of(Fault)]
    assert (
        stages.count(OBSERVED)
        == stages.count(GONE)
        < len(json.loads(schedule.read_text())["faults"])
    )
    assert going.process.returncode == IN_DOUBT  # what was planned never came
    stands_as_before(breakable, before)

    going = Going(breakable, schedule)
    place = going.until_broken()
    going.process.send_signal(signal.SIGINT)
    said = going.ended()
    assert "Traceback" not in said
    assert f"invoke faults.resume --id {place.id}" in said
    assert going.process.returncode == IN_DOUBT, said
    stages = [each.stage for each in read(place.history).of(Fault)]
    assert stages.count(OBSERVED) == stages.count(GONE)
    stands_as_before(breakable, before)
    breakable.types("faults.resume", "--id", place.id, code=IN_DOUBT)


@pytest.mark.parametrize("lane", range(LANES))
def test_a_harness_that_is_killed_leaves_a_history_that_reads_and_is_resumed(
    breakable, lane, record_property
):
    before = breakable.asks("plan")
    schedule = kept(breakable, "stale_pending_claims", 11)
    chance, seen = random.Random(lane), Counter()
    for _ in range(DEATHS):
        going = Going(breakable, schedule)
        until(lambda going=going: going.folder() or going.process.poll() is not None, WITHIN_S)
        time.sleep(chance.uniform(0, LASTS_S))  # the moment of its death, not a wait for anything
        going.process.kill()
        going.ended()
        place = going.folder()
        if place.judgement() is not None:  # it was faster
            seen["too late"] += 1
            continue
        if not place.history.exists():
            seen["before anything was broken"] += 1
            breakable.types("faults.resume", "--id", place.id, code=MISCONFIGURED)
        else:
            assert not read(place.history).damage
            closed = read(place.history).closed
            done = breakable.types("faults.resume", "--id", place.id, code=None)
            assert done.returncode in ({DONE} if closed else {IN_DOUBT}), done.stdout + done.stderr
            assert done.returncode != FAILED
            seen["at its very end" if closed else "amid it"] += 1
            history = read(place.history)
            assert history.closed
            assert not history.damage
        stands_as_before(breakable, before)
    for when, deaths in seen.items():
        record_property(when, deaths)
