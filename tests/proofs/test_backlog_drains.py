from __future__ import annotations

import pytest

from proofs.backlog_drains import CAP, SAMPLES, check, gather
from proofs.finding import Verdict

STREAM, GROUP = "quantum:stream:apply.result", "p35_decision_intel"


def sample(last=100, delivered=100, pending=0, oldest=None, living=1, undelivered=None):
    return {
        "at_ms": 0,
        "last_id": f"{last}-0",
        "undelivered": last - delivered if undelivered is None else undelivered,
        "group": {
            "last_delivered_id": f"{delivered}-0",
            "reported_lag": None,
            "pending": pending,
            "oldest_pending_id": None if oldest is None else f"{oldest}-0",
            "consumers": ["c"],
            "living": living,
        },
    }


def judged(*samples):
    return check({"stream": STREAM, "group": GROUP, "cap": CAP, "samples": list(samples)})


def test_nothing_waiting_is_proved_though_redis_reports_no_lag():
    assert judged(*[sample()] * SAMPLES).verdict is Verdict.proved


def test_a_backlog_that_is_settled_is_proved_whatever_arrives_meanwhile():
    samples = [sample(100, 40, 20, 21), *[sample(150, 120, 30, 91)] * 4, sample(200, 190, 60, 131)]
    finding = judged(*samples)
    assert finding.verdict is Verdict.proved
    assert finding.numbers["first"] == 80


def test_a_backlog_that_falls_is_proved():
    samples = [sample(1000, 100 + 50 * n, 10, 91 + 50 * n) for n in range(SAMPLES)]
    finding = judged(*samples)
    assert finding.verdict is Verdict.proved
    assert "falling: 910 -> 660" in finding.reasons[0]


def test_a_backlog_that_grows_is_refuted_even_when_the_oldest_entries_are_settled():
    samples = [sample(100 + 400 * n, 100 + 100 * n) for n in range(SAMPLES)]
    finding = judged(*samples)
    assert finding.verdict is Verdict.refuted
    assert "grows" in finding.reasons[0]


def test_a_backlog_that_does_not_move_is_refuted():
    for stuck in (sample(100, 60), sample(100, 100, 3, 10)):
        finding = judged(*[stuck] * SAMPLES)
        assert finding.verdict is Verdict.refuted
        assert "none moves" in finding.reasons[0]


def test_one_busy_moment_at_the_end_is_no_growth():
    samples = [*[sample()] * (SAMPLES - 1), sample(137, 137, 37, 101)]
    assert judged(*samples).verdict is Verdict.proved


def test_moving_but_neither_falling_nor_growing_is_unknown():
    samples = [sample(1000 + 10 * n, 500 + 10 * n) for n in range(SAMPLES)]
    assert judged(*samples).verdict is Verdict.unknown


def test_more_than_can_be_counted_is_never_called_falling():
    samples = [sample(90_000, 100 + n, undelivered=CAP) for n in range(SAMPLES)]
    assert judged(*samples).verdict is Verdict.unknown


def test_an_empty_backlog_with_no_living_consumer_is_unknown():
    assert judged(*[sample(living=0)] * SAMPLES).verdict is Verdict.unknown


def test_few_samples_are_unknown():
    assert judged(sample(), sample()).verdict is Verdict.unknown


def test_a_missing_group_refutes():
    assert judged({"group": None}).verdict is Verdict.refuted


# ---- gathered from a real server


@pytest.fixture
def group(client):
    client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    client.set(f"quantum:hb:{GROUP}:c", "me", ex=100)


def read(client, count):
    return [e for _, es in client.xreadgroup(GROUP, "c", {STREAM: ">"}, count) for e, _ in es]


def test_a_consumer_that_works_the_backlog_off_is_proved(client, group, scene_of, clock):
    for number in range(50):
        client.xadd(STREAM, {"n": number})

    def work():
        for entry in read(client, 10):
            client.xack(STREAM, GROUP, entry)

    clock.during = work
    evidence = gather(scene_of(client))
    assert [s["undelivered"] for s in evidence["samples"]] == [50, 40, 30, 20, 10, 0]
    assert check(evidence).verdict is Verdict.proved


def test_lag_is_counted_by_ids_where_redis_says_nil(client, group, scene_of, clock):
    entries = [client.xadd(STREAM, {"n": number}) for number in range(10)]
    client.xdel(STREAM, entries[5])
    read(client, 2)
    evidence = gather(scene_of(client))
    assert evidence["samples"][0]["undelivered"] == 7
    assert evidence["samples"][0]["group"]["pending"] == 2
    assert evidence["samples"][0]["group"]["living"] == 1
    assert check(evidence).verdict is Verdict.refuted


def test_a_stream_that_is_not_there_refutes_at_once(client, scene_of, clock):
    evidence = gather(scene_of(client))
    assert check(evidence).verdict is Verdict.refuted
    assert len(evidence["samples"]) == 1


def test_what_is_on_its_way_at_the_end_by_chance_is_watched_until_it_is_gone(
    client, group, scene_of, clock
):
    seen = iter([0, 0, 0, 1, 1, 0])
    held = []

    def work():
        """Have one entry in hand, or none: what is in hand is new each time."""
        for entry in held:
            client.xack(STREAM, GROUP, entry)
        held.clear()
        if next(seen, 0):
            client.xadd(STREAM, {"n": 1})
            held.extend(read(client, 1))

    client.xadd(STREAM, {"n": 0})
    client.xack(STREAM, GROUP, *read(client, 1))
    clock.during = work
    evidence = gather(scene_of(client))
    waiting = [sample["group"]["pending"] for sample in evidence["samples"]]
    assert waiting == [0, 0, 0, 0, 1, 1, 0]
    assert check({**evidence, "samples": evidence["samples"][:SAMPLES]}).verdict is Verdict.refuted
    assert check(evidence).verdict is Verdict.proved


def test_what_grows_slowly_goes_on_growing_and_is_refuted(client, group, scene_of, clock):
    def work():
        """Settle all but one of what arrives."""
        for number in range(5):
            client.xadd(STREAM, {"n": number})
        for entry in read(client, 4):
            client.xack(STREAM, GROUP, entry)

    client.xadd(STREAM, {"n": 0})
    clock.during = work
    evidence = gather(scene_of(client))
    finding = check(evidence)
    assert len(evidence["samples"]) > SAMPLES
    assert finding.verdict is Verdict.refuted
    assert "grows" in finding.reasons[0]
