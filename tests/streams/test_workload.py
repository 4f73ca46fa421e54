"""The generator: the same for the same seed, and every shape in it."""

import json

from fault_injection.workloads.apply_result import SPAN_MS, events, feed
from streams.apply_result import DECISIONS, normalise
from tests.independent_fold import buckets_of

START_MS = 1766602892766


def test_the_same_seed_gives_the_same_events():
    assert list(events(4, 500, START_MS)) == list(events(4, 500, START_MS))
    assert list(events(4, 500, START_MS)) != list(events(5, 500, START_MS))


def test_there_are_as_many_as_asked_for():
    assert [len(list(events(1, count, START_MS))) for count in (0, 1, 999)] == [0, 1, 999]


def test_every_shape_occurs():
    made = list(events(1, 5_000, START_MS))
    assert any("action" in each and "decision" not in each for each in made)
    assert any(each.get("executed") == "True" for each in made)
    assert any(each.get("executed") == "false" for each in made)
    assert any("timestamp" not in each for each in made)
    assert {"", "nan", "soon", "1", "9999999999"} <= {each.get("timestamp") for each in made}
    assert any(each["symbol"] == "" for each in made)
    details = [each["details"] for each in made if "details" in each]
    whole = [each for each in details if each.endswith("}}}")]
    assert 0 < len(whole) < len(details)
    assert any(json.loads(each)["decision"] is None for each in whole)
    results = [normalise(f"{START_MS}-{n}", each) for n, each in enumerate(made)]
    assert {each.decision for each in results} == set(DECISIONS)
    assert {"HOLD", "RECONCILE_CLOSE", "7"} <= {each.unknown for each in results}
    assert len({each.time_ms // 60_000 for each in results}) >= SPAN_MS // 60_000


def test_the_mix_is_healthy():
    entries = [(f"{START_MS}-{n}", each) for n, each in enumerate(events(1, 10_000, START_MS))]
    share = dict.fromkeys(DECISIONS, 0)
    for fields in buckets_of(entries).values():
        for decision in share:
            share[decision] += fields.get(f"decision:{decision}", 0) / 10_000
    assert 0.30 <= share["EXECUTE"] <= 0.50
    assert 0.30 <= share["SKIP"] <= 0.50
    assert 0.10 <= share["BLOCKED"] <= 0.20
    assert share["ERROR"] < 0.05
    assert 0 < share["UNKNOWN"] < 0.05


def test_feeding_returns_the_ids_with_what_stands_under_them(client):
    fed = feed(client, "s", events(1, 250, START_MS), 100)
    assert client.xrange("s") == fed
    assert len(fed) == 250
