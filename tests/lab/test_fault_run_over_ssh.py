"""A whole run on real hosts: rehearsed, broken by packet rules, judged, recorded, put back."""

import pytest

from fault_injection.history.happenings import STAGES, Fault
from fault_injection.history.reading import read
from fault_injection.runs.folder import Folder
from fault_injection.scenarios.holding import WATCHED
from tests.runs.hastening import kept

pytestmark = pytest.mark.lab

SCENARIO = "cut_off_from_redis"


def test_a_host_is_cut_off_from_redis_and_all_of_it_is_proved(deployed):
    before = deployed.asks("plan")
    deployed.types("faults.allow", "--yes", "--minutes", "30")
    try:
        schedule = kept(deployed, SCENARIO, 5, most=1)
        said = deployed.asks("faults.replay", str(schedule), "--yes")
        assert said["verdict"] == "proved", said
        history = read(Folder(deployed.records / "faults" / said["run"]).history)
        assert [each.stage for each in history.of(Fault)] == list(STAGES)
        assert set(said["findings"]) >= WATCHED  # what rests on the watch was asked
        assert deployed.asks("plan") == before
        (record,) = [e for e in deployed.asks("history")["records"] if e["kind"] == "fault"]
        assert record["outcome"] == "proved"
    finally:
        deployed.types("faults.forbid")
