from __future__ import annotations

import time

import pytest

from proofs.accounts.counted import AHEAD_MS, differences, start_ms
from proofs.finding import Verdict
from proofs.nothing_lost_nothing_doubled import check, gather

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"
MINUTE = "202611210400"
FIELDS = {"decision:SKIP": 3, "reason:no_position": 3}
#: Where nothing was ever trimmed, the floor lies before everything.
EVERYTHING_MS = 0


def evidence(**changes):
    return {
        "stream": STREAM,
        "wanted": GROUP,
        "place": {"group": {"pending": 0}},
        "settled": 3,
        "pending": 0,
        "floor_ms": EVERYTHING_MS,
        "whole": True,
        "expected": {MINUTE: dict(FIELDS)},
        "counted": {MINUTE: dict(FIELDS)},
        "unlooked": [],
        "status": {"processed_total": "3"},
        "moved": None,
        **changes,
    }


def test_equal_totals_in_every_minute_are_proved():
    finding = check(evidence())
    assert finding.verdict is Verdict.proved
    assert finding.numbers["events"] == 3


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        ({MINUTE: {**FIELDS, "decision:SKIP": 2}}, "lost: 1 events"),
        ({MINUTE: {**FIELDS, "decision:SKIP": 5}}, "doubled: 2 events"),
        ({MINUTE: {**FIELDS, "reason:no_position": 2}}, "lost: 0 events"),
        ({MINUTE: {**FIELDS, "decision:EXECUTE": 1}}, "doubled: 1 events"),
        ({}, "lost: 3 events"),
        ({"202611210401": dict(FIELDS)}, "lost: 3 events"),
        ({MINUTE: dict(FIELDS), "202611210401": {"decision:SKIP": 1}}, "doubled: 1 events"),
    ],
)
def test_any_field_that_differs_refutes(counted, reason):
    finding = check(evidence(counted=counted))
    assert finding.verdict is Verdict.refuted
    assert reason in " ".join(finding.reasons)


def test_one_lost_and_one_doubled_do_not_make_up_for_each_other():
    later = "202611210401"
    finding = check(
        evidence(
            expected={MINUTE: dict(FIELDS), later: dict(FIELDS)},
            counted={MINUTE: {**FIELDS, "decision:SKIP": 2}, later: {**FIELDS, "decision:SKIP": 4}},
            settled=6,
            status={"processed_total": "6"},
        )
    )
    assert finding.verdict is Verdict.refuted
    assert len(finding.reasons) == 2


def test_a_minute_that_a_trimmed_entry_may_have_touched_is_left_out():
    floor = start_ms(MINUTE) - AHEAD_MS
    wrong = evidence(counted={MINUTE: {"decision:SKIP": 9}}, floor_ms=floor, whole=False)
    assert check(wrong).verdict is Verdict.unknown
    assert check({**wrong, "floor_ms": floor - 1}).verdict is Verdict.refuted


def test_a_second_witness_who_disagrees_leaves_it_unknown():
    finding = check(evidence(status={"processed_total": "4"}))
    assert finding.verdict is Verdict.unknown
    assert "processed_total says 4" in finding.reasons[0]


def test_a_second_witness_who_is_missing_or_cannot_know_is_said():
    missing = check(evidence(status={"processed_total": None}))
    assert missing.verdict is Verdict.proved
    assert "no second witness" in missing.reasons[1]
    trimmed = check(evidence(status={"processed_total": "9"}, whole=False))
    assert trimmed.verdict is Verdict.proved
    assert "not held against it" in trimmed.reasons[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"expected": {}, "counted": {}, "settled": 0, "status": {"processed_total": "0"}},
        {"place": {"group": {"pending": 200_000}}, "pending": 100_000},
        {"unlooked": [MINUTE]},
    ],
)
def test_what_was_not_seen_whole_is_unknown(changes):
    assert check(evidence(**changes)).verdict is Verdict.unknown


def test_too_many_buckets_for_one_moment_are_unknown():
    seen = {"stream": STREAM, "wanted": GROUP, "place": {"group": {}}, "buckets": 9000}
    assert check(seen).verdict is Verdict.unknown


def test_a_missing_group_refutes():
    assert check(evidence(place={"group": None})).verdict is Verdict.refuted


def test_past_the_cap_the_overflow_must_hold_every_field_that_found_no_room():
    expected = {"decision:SKIP": 3, "reason:a": 1, "reason:b": 2}
    full = {"decision:SKIP": 3, "reason:a": 1, "overflow": 2}
    assert list(differences(expected, full)) == []
    assert list(differences(expected, {**full, "overflow": 1})) == [("overflow", -1)]
    assert list(differences(expected, {**full, "decision:SKIP": 2})) == [("decision:SKIP", -1)]
    assert list(differences(expected, {**full, "reason:a": 2})) == [("reason:a", 1)]
    del full["decision:SKIP"]
    assert list(differences(expected, {**full, "overflow": 9})) == [("decision:SKIP", -3)]


def test_a_group_that_was_moved_leaves_it_unknown():
    assert check(evidence(moved="from 5-0 back to 3-0")).verdict is Verdict.unknown


# ---- gathered from a real server


class Consumer:
    """Counts as decision intelligence does, as far as a fault lets it."""

    def __init__(self, client):
        self.client = client
        client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)

    def settle(self, count=1000, fault="", keep_pending=0):
        found = self.client.xreadgroup(GROUP, "c", {STREAM: ">"}, count)
        entries = [entry for _, entries in found for entry in entries]
        for number, (entry, fields) in enumerate(entries[: len(entries) - keep_pending]):
            spoiled = fault if number == len(entries) // 2 else ""
            self.count(entry.decode(), fields, spoiled)
            self.client.xack(STREAM, GROUP, entry)
            self.client.hincrby("quantum:p35:status", "processed_total", 1)

    def count(self, entry, fields, fault):
        if fault == "lost":
            return
        times = 2 if fault == "doubled" else 1
        second = int(entry.partition("-")[0]) // 1000 + (120 if fault == "moved" else 0)
        bucket = time.strftime("quantum:p35:bucket:%Y%m%d%H%M", time.gmtime(second))
        self.client.hincrby(bucket, f"decision:{fields[b'decision'].decode()}", times)
        self.client.hincrby(bucket, f"reason:{fields[b'error'].decode()}", times)


@pytest.fixture
def consumer(client):
    return Consumer(client)


@pytest.fixture
def feed(client):
    """Adds entries that spread over some minutes, all older than now."""

    def add(count, *, ago_s=600, over_s=300):
        start = int(time.time() * 1000) - ago_s * 1000
        words = [("SKIP", "no_position"), ("BLOCKED", "kill_score"), ("EXECUTE", "none")]
        for number in range(count):
            decision, error = words[number % 3]
            at = start + number * over_s * 1000 // count
            client.xadd(
                STREAM, {"decision": decision, "error": error, "symbol": "X"}, id=f"{at}-{number}"
            )

    return add


@pytest.fixture
def finding(client, scene_of):
    return lambda: check(gather(scene_of(client)))


def test_a_consumer_that_counts_each_event_once_is_proved(consumer, feed, finding):
    feed(300)
    consumer.settle()
    found = finding()
    assert found.verdict is Verdict.proved, found.reasons
    assert found.numbers["events"] == 300
    assert found.numbers["left_out"] == 0


def test_pages_of_a_long_stream_are_all_folded(consumer, feed, finding, monkeypatch):
    monkeypatch.setattr("proofs.reading.PAGE", 7)
    feed(100)
    consumer.settle()
    assert finding().numbers["events"] == 100


@pytest.mark.parametrize("fault", ["lost", "doubled", "moved"])
def test_one_event_gone_wrong_among_hundreds_refutes(consumer, feed, finding, fault):
    feed(300)
    consumer.settle(fault=fault)
    assert finding().verdict is Verdict.refuted


def test_entries_that_are_pending_or_not_yet_read_are_not_missed(consumer, feed, finding):
    feed(100)
    consumer.settle(80, keep_pending=30)
    found = finding()
    assert found.verdict is Verdict.proved
    assert (found.numbers["settled"], found.numbers["pending"]) == (50, 30)


def test_what_arrives_and_is_counted_during_the_gathering_changes_no_verdict(
    client, consumer, feed, finding, monkeypatch
):
    feed(100)
    consumer.settle()
    rounds = []

    def busy(commands):
        def between(*words):
            answer = commands(*words)
            if len(rounds) < 4:
                rounds.append(len(rounds))
                feed(10, ago_s=200 - 60 * len(rounds), over_s=10)
                consumer.settle()
            return answer

        return between

    from proofs.accounts import counted as proof

    monkeypatch.setattr(proof, "together", busy(proof.together))
    found = finding()
    assert found.verdict is Verdict.proved, found.reasons
    assert rounds


def test_a_trimmed_stream_is_judged_by_the_minutes_that_it_still_covers(
    client, consumer, feed, finding
):
    feed(200, ago_s=1500, over_s=1400)
    consumer.settle()
    client.xtrim(STREAM, maxlen=150, approximate=False)
    found = finding()
    assert found.verdict is Verdict.proved, found.reasons
    assert found.numbers["left_out"] > 5
    newest = max(client.scan_iter("quantum:p35:bucket:*"))
    client.hincrby(newest, "decision:SKIP", 1)
    assert finding().verdict is Verdict.refuted


def test_a_stream_that_was_trimmed_to_nothing_is_unknown(client, consumer, feed, finding):
    feed(20)
    consumer.settle()
    client.xtrim(STREAM, maxlen=0, approximate=False)
    assert finding().verdict is Verdict.unknown


def test_an_entry_deleted_from_the_middle_is_no_loss(client, consumer, feed, finding):
    feed(20, ago_s=60, over_s=20)
    consumer.settle()
    client.xdel(STREAM, client.xrange(STREAM)[10][0])
    assert finding().verdict is Verdict.unknown


def test_minutes_older_than_a_bucket_lives_are_left_out(client, consumer, feed, finding):
    feed(50, ago_s=49 * 3600)
    feed(50)
    consumer.settle()
    for key in sorted(client.scan_iter("quantum:p35:bucket:*"))[:3]:
        client.delete(key)  # what its time to live will do
    found = finding()
    assert found.verdict is Verdict.proved, found.reasons
    assert found.numbers["events"] == 50


def test_counters_that_were_wiped_refute(client, consumer, feed, finding):
    feed(50)
    consumer.settle()
    client.delete(*client.scan_iter("quantum:p35:bucket:*"))
    assert finding().verdict is Verdict.refuted


def test_a_stream_without_the_group_refutes(client, finding):
    client.xadd(STREAM, {"decision": "SKIP"})
    assert finding().verdict is Verdict.refuted
