"""deploy --only: one service of a host moves, and the others do not notice."""

from __future__ import annotations

from tests.e2e.test_sandbox_story import ENV, manifest

ROUTER_ENV = "etc/quantum/ai-strategy-router.env"
CONSUMER = "quantum-p35-decision-intelligence.service"
ROUTER = "quantum-ai-strategy-router.service"


def invocation(person, unit: str) -> str:
    return (person.root / "run/supervisor" / unit).read_text().split()[-1]


def test_one_service_is_deployed_and_the_others_stay_as_they_are(person):
    text = person.inventory.read_text().replace(", execution]", "]")
    person.inventory.write_text(text)
    for typed, told in (
        ("p35-decision-inteligence", "did you mean"),
        ("execution", "no chosen host has"),
    ):
        assert told in person.types("deploy", "--only", typed, code=3).stderr
    assert not (person.root / "var/lib/quantum-ops/tx").exists()
    person.types("deploy")

    # both are to change, and a hand was at the other one
    settings = "    alert_min_events: 50\n    rate_limit_per_symbol: 7\n    redis_port"
    person.inventory.write_text(text.replace("    redis_port", settings))
    router_env = person.root / ROUTER_ENV
    as_deployed = router_env.read_bytes()
    router_env.write_bytes(as_deployed + b"# by hand\n")
    before = manifest(person.root)
    old = {unit: invocation(person, unit) for unit in (CONSUMER, ROUTER)}

    only = ("--only", "p35-decision-intelligence")
    planned = person.asks("plan", *only)["hosts"]["box"]
    assert [step["what"] for step in planned["steps"]] == [f"/{ENV}", CONSUMER]
    assert (planned["drifted"], planned["leftovers"]) == ([], [])
    assert person.asks("deploy", *only)["state"] == "committed"

    assert "ALERT_MIN_EVENTS=50" in (person.root / ENV).read_text()
    assert invocation(person, CONSUMER) != old[CONSUMER]
    assert invocation(person, ROUTER) == old[ROUTER]
    after = manifest(person.root)
    assert {path for path in after if after[path] != before.get(path)} == {ENV, "etc/quantum"}
    said = person.asks("ledger.show")["statement"]["predicate"]
    assert said["only"] == ["p35-decision-intelligence"]
    assert {claim["service"] for claim in said["claims"]} == {"", "p35-decision-intelligence"}

    # what was deployed of the other is still known, and still its own to be deployed
    (found,) = person.asks("drift", code=2)["hosts"]["box"]
    assert found["path"] == f"/{ROUTER_ENV}"
    router_env.write_bytes(as_deployed)
    planned = person.asks("plan")["hosts"]["box"]
    assert [step["what"] for step in planned["steps"]] == [f"/{ROUTER_ENV}", ROUTER]
    assert planned["drifted"] == []
    router_env.write_bytes(as_deployed + b"# by hand\n")

    assert person.asks("rollback", code=1)["state"] == "rolled_back"  # the hand edit is no proof
    assert manifest(person.root)[ENV] == before[ENV]
    assert invocation(person, ROUTER) == old[ROUTER]
