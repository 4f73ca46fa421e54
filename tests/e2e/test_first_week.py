"""A secret is rotated, an instance and a service are taken away, all of it comes back: typed."""

from __future__ import annotations

import os

from harness.sandbox.starting import ask, control_of
from tests.e2e.test_sandbox_story import manifest

EXECUTORS = ["quantum-execution@1.service", "quantum-execution@2.service"]
ROUTER = "quantum-ai-strategy-router.service"
NEIGHBOURS = ["redis-server.service", "quantum-p35-decision-intelligence.service", EXECUTORS[0]]
EVERY = [*NEIGHBOURS, EXECUTORS[1], ROUTER]
KEEPING = "    gate_within_s: 3\n    keep_transactions: 2\n    keep_days: 0\n    records"
FIRST, SECOND = "correct-horse-battery", "staple-of-another-battery"


def units(person) -> dict:
    return ask(control_of(person.root), {"do": "show", "units": EVERY})


def restarted(before: dict, after: dict) -> list[str]:
    assert {each["restarts"] for each in after.values()} == {0}
    return [name for name in EVERY if before[name]["invocation"] != after[name]["invocation"]]


def test_a_secret_is_rotated_and_services_are_removed_and_come_back(person):
    text = person.inventory.read_text().replace("    records", KEEPING)
    two = text.replace("    redis_port", "    execution_instances: 2\n    redis_port")
    person.inventory.write_text(two)
    deployed = person.asks("deploy")
    assert deployed["state"] == "committed"
    first = units(person)

    (person.folder / "redis_password").write_text(SECOND)
    said = [person.types("plan"), person.types("deploy")]
    second = units(person)
    assert restarted(first, second) == EVERY
    assert "secret content *** -> ***" in said[0].stdout
    written = [p.read_text(errors="replace") for p in (person.folder / "records").rglob("*.*")]
    for secret in (FIRST, SECOND):
        assert not [t for t in (*(s.stdout + s.stderr for s in said), *written) if secret in t]
    before = manifest(person.root)

    expect_that_an_open_execution_stays(person, two)
    assert manifest(person.root) == before

    # a role that is only lost removes nothing, and is no small print
    person.inventory.write_text(two.replace("strategy_router, ", ""))
    told = person.types("plan").stdout
    assert "nothing to change" in told
    assert "ai-strategy-router is deployed here, and no role asks for it any more" in told

    one = text.replace("    redis_port", "    absent: [strategy_router]\n    redis_port")
    person.inventory.write_text(one)
    planned = person.asks("plan")["hosts"]["box"]
    assert planned["steps"][0]["verb"] == "stop"
    assert planned["steps"][0]["what"] == f"{ROUTER} {EXECUTORS[1]}"
    assert "/etc/quantum/ai-strategy-router.env" in planned["removed"]
    assert planned["restarts"] == []
    assert planned["would_prune"] == [deployed["transaction"]]
    assert manifest(person.root) == before
    assert person.asks("deploy")["state"] == "committed"
    record = person.asks("ledger.show")["statement"]["predicate"]
    assert record["pruned"]["box"]["transactions"] == [deployed["transaction"]]
    gone = units(person)
    assert {name for name, each in gone.items() if each["load"] == "not-found"} == {
        ROUTER, EXECUTORS[1],
    }  # fmt: skip
    assert {gone[name]["main_pid"] for name in (ROUTER, EXECUTORS[1])} == {0}
    assert not set(restarted(second, gone)) & set(NEIGHBOURS)
    left = [name for name in manifest(person.root) if "router" in name or "execution@2" in name]
    assert [name for name in left if not name.startswith("opt/")] == []
    assert person.asks("deploy")["state"] == "unchanged"
    assert person.asks("drift")["hosts"] == {"box": []}

    assert person.asks("rollback")["state"] == "rolled_back"
    assert manifest(person.root) == before
    back = units(person)
    assert {each["active"] for each in back.values()} == {"active"}
    assert set(restarted(second, back)) == {ROUTER, EXECUTORS[1]}


def expect_that_an_open_execution_stays(person, text):
    env = person.root / "etc/quantum/execution.env"
    shut, was = env.read_text(), env.stat()
    env.write_text(shut.replace("DRAIN=true", "DRAIN=false").replace("ED=false", "ED=true"))
    absent = "    absent: [execution]\n    redis_port"
    person.inventory.write_text(text.replace("    redis_port", absent))
    refused = person.types("deploy", "--overwrite-drift", code=3).stderr
    assert "box, remove execution: execution is to go from here, and may be trading" in refused
    assert "next: invoke trading.disable" in refused
    env.write_text(shut)
    os.utime(env, ns=(was.st_atime_ns, was.st_mtime_ns))
