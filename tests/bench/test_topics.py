"""Each topic runs, prints its lines, and a ratio among them. No test asserts a duration."""

import json
import os
import subprocess
import sys

import pytest

from bench.failing import CannotMeasureError
from bench.peers import environment
from bench.programs import ROOT
from bench.topics import TOPICS
from tests.needing import not_tested
from tests.servers import binary


def run(*words):
    """Return the bench's JSON; whether targets are met is no matter here."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", *words],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    stands_in = "the C reader" in done.stderr and os.environ.get("CI") != "true"
    assert done.returncode in ((0, 1, 2) if stands_in else (0, 1)), done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def needs_redis():
    if binary("redis") is None:
        not_tested("no redis-server on this machine: apt-get install redis-server")


def expect_a_ratio(said):
    assert any(line["ratio"] for line in said["results"]), said
    assert any(line["target"] for line in said["results"]), said
    assert all(line["value"] for line in said["results"]), said


@pytest.mark.parametrize("topic", [each for each in TOPICS if each != "throughput"])
def test_a_topic_prints_a_ratio(topic):
    expect_a_ratio(run("--only", topic, "--no-peers"))


def test_throughput_prints_a_ratio_and_the_peers_stand_in_the_same_table():
    try:
        environment.python()
    except CannotMeasureError as error:
        not_tested(f"no environment for the peers: {error}")
    said = run("--only", "throughput")
    expect_a_ratio(said)
    names = [line["what"] for line in said["results"]]
    for peer in ("FastStream, batches", "FastStream, one by one", "taskiq-redis", "redis-py"):
        assert any(name.startswith(peer) for name in names), names


def test_another_server_is_measured_in_the_same_way():
    if binary("embedded") is None:
        not_tested("no embedded server on this machine")
    said = run("--only", "snapshots", "--server", "embedded")
    assert said["about"]["server"].startswith("Valkey")
    assert said["results"]


def test_an_unknown_topic_is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "speed"], cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "throughput" in done.stderr
