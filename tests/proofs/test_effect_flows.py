from __future__ import annotations

import pytest

from proofs.effect_flows import check, gather
from proofs.effects.canary import allowed
from proofs.effects.counted import COUNTS, TOP, minute_of
from proofs.finding import Verdict

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"


class Consumer:
    """What decision intelligence does to a canary, as far as a fault lets it."""

    def __init__(self, client, fault=""):
        self.client, self.fault = client, fault
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    def __call__(self):
        if self.fault == "deaf":
            return
        for _, entries in self.client.xreadgroup(GROUP, "c", {STREAM: ">"}, 10):
            for entry, fields in entries:
                self.settle(entry.decode(), fields[b"error"].decode())

    def settle(self, entry, reason):
        bucket = f"quantum:p35:bucket:{minute_of(entry)}"
        if self.fault == "full":
            self.client.hincrby(bucket, "overflow", 1)
        elif self.fault not in {"swallows", "hangs"}:
            self.client.hincrby(bucket, f"reason:{reason}", 2 if self.fault == "doubles" else 1)
        if self.fault not in {"hangs", "never acknowledges"}:
            self.client.xack(STREAM, GROUP, entry)
        if self.fault != "frozen window":
            self.client.hincrby(COUNTS, "SKIP", 1)
            if self.fault != "crowded":
                self.client.zincrby(TOP, 1, reason)


@pytest.fixture
def found(client, clock, scene_of):
    def finding(fault="", **values):
        clock.during = Consumer(client, fault)
        scene = scene_of(client, snapshot_interval_s=1, **values)
        evidence = gather(scene)
        return check(evidence), evidence

    return finding


def test_a_canary_that_is_counted_once_proves_it_and_says_what_it_leaves(client, found):
    finding, evidence = found()
    assert finding.verdict is Verdict.proved, finding.reasons
    bucket, field = evidence["left_behind"][1].split(" ", 1)
    assert client.hget(bucket, field) == b"1"
    assert client.xlen(STREAM) == 1
    assert "left behind" in finding.reasons[1]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("deaf", "was not read"),
        ("swallows", "acknowledged without any effect"),
        ("doubles", "counted 2 times"),
        ("never acknowledges", "counted but not acknowledged"),
        ("hangs", "read but not acknowledged"),
        ("frozen window", "window did not show it"),
    ],
)
def test_a_consumer_with_a_fault_is_refuted_by_name(found, fault, reason):
    finding, _ = found(fault)
    assert finding.verdict is Verdict.refuted
    assert reason in finding.reasons[0]


def test_a_full_bucket_leaves_it_unknown(found):
    finding, _ = found("full")
    assert finding.verdict is Verdict.unknown


def test_a_canary_crowded_out_of_a_full_top_list_is_seen_by_the_window_moving(client, found):
    client.zadd(TOP, {f"reason_{n}": 1000 for n in range(50)})
    finding, _ = found("crowded")
    assert finding.verdict is Verdict.proved


def test_a_top_list_with_room_that_lacks_the_canary_refutes(client, found):
    client.zadd(TOP, {f"reason_{n}": 1000 for n in range(49)})
    finding, _ = found("crowded")
    assert finding.verdict is Verdict.refuted


def test_without_a_group_no_canary_is_sent(client, scene_of):
    evidence = gather(scene_of(client))
    assert check(evidence).verdict is Verdict.refuted
    assert client.exists(STREAM) == 0


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("sandbox", {}, True),
        ("testnet", {}, True),
        ("live", {}, False),
        ("live", {"canary": None}, False),
        ("sandbox", {"canary": None}, True),
        ("live", {"canary": True}, True),
        ("sandbox", {"canary": False}, False),
        ("testnet", {"canary": "false"}, False),
        ("live", {"canary": "maybe"}, False),
    ],
)
def test_the_inventory_decides_and_a_live_host_must_be_named(scene_of, mode, values, expected):
    assert allowed(scene_of(None, mode=mode, **values)) is expected


def test_where_no_canary_is_allowed_nothing_is_written_and_nothing_is_shown(client, scene_of):
    Consumer(client)
    finding = check(gather(scene_of(client, mode="live")))
    assert finding.verdict is Verdict.unknown
    assert "canary: true" in finding.reasons[0]
    assert client.xlen(STREAM) == 0
