"""Consumers and intents handled by hand, by typing what a person types, in a sandbox."""

from __future__ import annotations

import os
import signal
import subprocess

import redis
import yaml

from streams import intents
from tests.e2e.conftest import INVOKE, PROJECT, Person
from tests.waiting import until

EXECUTION = "quantum-execution@1.service"
ROUTER = "quantum-ai-strategy-router.service"
UNKNOWN = {
    "state": "UNKNOWN", "identity": "lost-1", "epoch": "3", "symbol": "BTCUSDT", "side": "BUY",
    "order_side": "BUY", "quantity": "0.5", "reduce_only": "false", "stream_id": "1-1",
    "client_order_id": "qe-x", "updated_ms": "1", "created_ms": "1", "reserved": "0",
}  # fmt: skip


def store(person: Person, database: int = 0) -> redis.Redis:
    values = yaml.safe_load(person.inventory.read_text())["all"]["vars"]
    password = (person.folder / "redis_password").read_text().strip()
    return redis.Redis(
        port=values["redis_port"], db=database, password=password, decode_responses=True
    )


def states(document: dict) -> dict:
    return {
        unit: (each["before"], each["after"]) for unit, each in document["hosts"]["box"].items()
    }


def test_a_day_of_handling_consumers_and_intents(person):
    person.types("deploy")

    # stop, start and restart tell the truth, and leave a record
    stopped = person.asks("consumers.stop", "--only", "execution")
    assert states(stopped) == {EXECUTION: ("active", "inactive")}
    assert states(person.asks("consumers.stop", "--only", "execution"))[EXECUTION][1] == "inactive"
    # one claim is enough here: those about effects wait a minute for one before they say no
    refuted = person.types("proof", "--only", "running_what_was_deployed", code=1)
    assert EXECUTION in refuted.stdout + refuted.stderr
    started = states(person.asks("consumers.start"))
    assert started[EXECUTION] == ("inactive", "active")
    assert started[ROUTER] == ("active", "active")
    person.types("consumers.restart", "--only", "ai-strategy-router")
    refused = person.types("consumers.stop", "--only", "ai-strategy-ruter", code=3)
    assert 'did you mean "ai-strategy-router"' in refused.stderr
    person.types("consumers.stop", "--limit", "nobody", code=3)

    # logs: readable, raw, and nothing secret in them
    shown = person.types("consumers.logs", "--lines", "5").stdout
    assert "ai-strategy-router  info    ready" in shown
    assert '"event"' not in shown
    raw = person.types("consumers.logs", "--only", "execution", "--json").stdout
    assert '"unit": "quantum-execution@1.service"' in raw
    assert "correct-horse-battery" not in shown + raw

    # one more consumer in the foreground, beside the deployed ones
    assert "ready" in person.types("consumers.run", "strategy_router", "--once").stdout
    person.types("consumers.run", "execution", "--check-config")
    assert 'did you mean "execution"' in person.types("consumers.run", "executon", code=3).stderr

    # trading: never in a sandbox; off at once, whatever the state
    assert "mode is sandbox" in person.types("trading.enable", code=3).stderr
    assert person.asks("trading.disable", "--why", "a test")["may_still_trade"] == []
    assert '"why": "a test"' in store(person).get(intents.KILL_SWITCH)

    # an intent of which nobody knows: listed, resolved once, recorded
    client = store(person)
    client.hset(intents.record("lost-1"), mapping=UNKNOWN)
    (listed,) = person.asks("intents.list", "--state", "unknown")["intents"]
    assert (listed["identity"], listed["client_order_id"]) == ("lost-1", "qe-x")
    resolving = ["intents.resolve", "--id", "lost-1", "--state", "REJECTED", "--why", "not there"]
    assert "not confirmed" in person.types(*resolving, code=3).stderr
    assert client.hget(intents.record("lost-1"), "state") == "UNKNOWN"
    assert person.asks(*resolving, "--yes")["answer"] == "RESOLVED"
    record = client.hgetall(intents.record("lost-1"))
    assert (record["state"], record["resolved_why"]) == ("REJECTED", "not there")
    results = client.xrange("quantum:stream:execution.result")
    assert [of["state"] for _, of in results if of["identity"] == "lost-1"] == ["REJECTED"]
    assert person.types(*resolving, "--yes").returncode == 0  # asked again, after a lost reply
    results = client.xrange("quantum:stream:execution.result")
    assert len([of for _, of in results if of["identity"] == "lost-1"]) == 1
    other = ["intents.resolve", "--id", "lost-1", "--state", "FAILED", "--why", "x", "--yes"]
    assert "lost-1 is REJECTED" in person.types(*other, code=3).stderr
    assert (
        "there is no intent"
        in person.types(
            "intents.resolve", "--id", "nobody", "--state", "FAILED", "--why", "x", "--yes", code=3
        ).stderr
    )

    kinds = [line.split()[1] for line in person.types("history").stdout.splitlines() if line]
    assert kinds.count("operation") >= 5
    assert kinds.count("trading") == 1
    person.types("ledger.verify")


def test_following_logs_ends_with_the_person(person):
    person.types("deploy")
    command = [*INVOKE, "consumers.logs", "-i", str(person.inventory), "--follow"]
    with (person.folder / "followed").open("wb") as out:
        following = subprocess.Popen(
            command, cwd=PROJECT, env=dict(os.environ), stdout=out, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    told = person.folder / "followed"
    until(lambda: "ready" in told.read_text())
    person.types("consumers.restart", "--only", "ai-strategy-router")
    until(lambda: told.read_text().count("ai-strategy-router  info    ready") >= 2)
    following.send_signal(signal.SIGTERM)
    assert following.wait(60) in (0, 2)
    assert "Traceback" not in told.read_text()
