"""Plan, deploy, drift and roll back a sandbox by typing what a person types."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.agent.worlds import tree

ENV = "etc/quantum/p35-decision-intelligence.env"


def manifest(root: Path) -> dict:
    """Every managed place with its bytes, mode and mtime; logs, data and journals move on."""
    moving = ("var/", "run/", "proc/")
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.startswith(moving):
            continue
        status = path.lstat()
        body = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        target = path.readlink() if path.is_symlink() else None
        found[name] = (status.st_mode, status.st_mtime_ns, body, target)
    return found


def test_deploy_is_idempotent_and_rollback_returns_to_the_byte(person):
    planned = person.asks("plan")
    assert planned["changes"] > 0
    before = manifest(person.root)

    assert person.asks("deploy")["state"] == "committed"
    assert person.asks("deploy")["state"] == "unchanged"
    assert person.asks("plan")["changes"] == 0
    assert person.asks("drift")["hosts"] == {"box": []}
    assert person.asks("proof")["verdict"] == "proved"
    expect_doctor_to_say_that_nothing_is_enforced_here(person)

    assert person.asks("rollback")["state"] == "rolled_back"
    assert manifest(person.root) == before
    assert "correct-horse-battery" not in "".join(
        path.read_text(errors="replace")
        for path in (person.folder / "records").rglob("*")
        if path.is_file()
    )
    person.types("ledger.verify")


def everything(folder: Path) -> dict:
    """Everything about every path, its last touch included, but for what the services do."""
    moving = ("root/run", "root/proc", "root/var/log", "root/var/lib/redis")
    found = tree(folder, whole=True)
    return {name: state for name, state in found.items() if not name.startswith(moving)}


def expect_doctor_to_say_that_nothing_is_enforced_here(person):
    lines = person.asks("doctor", code=2)["lines"]
    unknown = [line for line in lines if line["state"] == "unknown" and line["where"] == "box"]
    assert len({line["unit"] for line in unknown}) == len(unknown) > 2
    assert all("ProtectSystem" in line["text"] for line in unknown if "quantum" in line["unit"])
    assert not [line for line in lines if line["state"] == "wrong"]
    asked = person.asks("proof", "--only", "confined", code=2)["claims"]
    assert [claim["verdict"] for claim in asked] == ["unknown"]
    assert "nothing is enforced where a directory stands" in asked[0]["reasons"][0]


def test_a_plan_writes_nothing_and_shows_no_secret(two_roles):
    person = two_roles
    person.types("plan")  # the sandbox is booted now
    before = everything(person.folder)
    said = [person.types("plan"), person.types("plan", "--json")]
    assert everything(person.folder) == before
    assert not (person.root / "var/lib/quantum-ops/tx").exists()
    assert not (person.folder / "records").exists()

    person.types("deploy")
    (person.folder / "redis_password").write_text("staple-of-another-battery")
    before = everything(person.folder)
    said += [person.types("plan"), person.types("plan", "--json")]
    assert everything(person.folder) == before
    planned = json.loads(said[-1].stdout)
    steps = planned["hosts"]["box"]["steps"]
    assert any("secret content *** -> ***" in step["lines"] for step in steps)
    # what a CI job asks: how many changes, not whether it went well
    assert planned["changes"] == len(steps) > 0
    for each in said:
        for secret in ("correct-horse-battery", "staple-of-another-battery"):
            assert secret not in each.stdout + each.stderr


def test_a_changed_value_is_one_diff_and_one_restart_and_goes_back(two_roles):
    person = two_roles
    person.types("deploy")
    before = manifest(person.root)
    text = person.inventory.read_text()
    person.inventory.write_text(
        text.replace("    redis_port", "    alert_min_events: 50\n    redis_port")
    )
    planned = person.asks("plan")["hosts"]["box"]
    assert planned["steps"][0]["what"] == f"/{ENV}"
    assert any(line.startswith("+ALERT_MIN_EVENTS") for line in planned["steps"][0]["lines"])
    assert planned["restarts"] == ["quantum-p35-decision-intelligence.service"]
    assert person.asks("deploy")["state"] == "committed"
    assert person.asks("rollback")["state"] == "rolled_back"
    assert manifest(person.root) == before
    person.inventory.write_text(text)
    assert person.asks("plan")["changes"] == 0


def test_a_hand_edit_is_drift_that_a_deploy_does_not_overwrite_unasked(two_roles):
    person = two_roles
    person.types("deploy")
    env = person.root / ENV
    edited = env.read_text() + "LOG_LEVEL=DEBUG\n# correct-horse-battery\n"
    env.write_text(edited)
    (found,) = person.asks("drift", code=2)["hosts"]["box"]
    assert found["path"] == f"/{ENV}"
    assert [line for line in found["diff"] if line[0] in "+-"] == [
        f"--- deployed/{ENV}", f"+++ by-hand/{ENV}", "+LOG_LEVEL=DEBUG", "+# ***",
    ]  # fmt: skip
    text = person.inventory.read_text()
    person.inventory.write_text(text.replace("snapshot_interval_s: 1", "snapshot_interval_s: soon"))
    told = person.types("drift", code=2).stdout
    assert f"/{ENV}" in told
    assert "no diffs" in told
    person.inventory.write_text(text)
    before = manifest(person.root)
    refused = person.types("deploy", code=2)
    assert "--overwrite-drift" in refused.stderr
    assert "invoke drift" in refused.stderr
    assert "+LOG_LEVEL=DEBUG" in refused.stderr
    assert "correct-horse-battery" not in refused.stdout + refused.stderr
    assert manifest(person.root) == before
    done = person.asks("deploy", "--overwrite-drift")
    assert done["state"] == "committed"
    assert env.read_text() != edited
    digest = hashlib.sha256(edited.encode()).hexdigest()
    kept = person.root / "var/lib/quantum-ops/tx" / done["transaction"] / "backups" / digest
    assert kept.read_text() == edited
    told = person.asks("ledger.show")["statement"]["predicate"]["overwritten"]
    assert told == [{"host": "box", "path": f"/{ENV}", "kind": "file", "sha256": digest}]
    # every byte is back, and so is the hand edit: what runs is not what was deployed
    assert person.asks("rollback", code=1)["state"] == "rolled_back"
    assert env.read_text() == edited
    assert env.stat().st_mtime_ns == before[ENV][1]


def test_a_missing_variable_and_a_broken_inventory_say_where(person):
    text = person.inventory.read_text()
    person.inventory.write_text(text.replace("    redis_host: 127.0.0.1\n", "    redis_hots: x\n"))
    wrong = person.types("plan", code=3)
    assert "redis_hots" in wrong.stderr
    assert "redis_host" in wrong.stderr
    person.inventory.write_text(text.replace("all:", "all: ["))
    broken = person.types("plan", code=3)
    assert "box.yml" in broken.stderr
    person.inventory.write_text(text)
    assert not (person.root / "var/lib/quantum-ops/tx").exists()


def test_an_unknown_inventory_claim_and_limit_are_configuration_errors(person):
    assert "nobody" in person.types("plan", "--limit", "nobody", code=3).stderr
    assert "no claim" in person.types("proof", "--only", "nonsense", code=3).stderr


def test_a_port_that_is_taken_refuses_the_deploy_and_puts_everything_back(two_roles):
    person = two_roles
    import socket

    person.types("plan")
    before = manifest(person.root)
    port = int(person.inventory.read_text().split("redis_port: ")[1].split()[0])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        text = person.inventory.read_text()
        person.inventory.write_text(text + "          ready_within_s: 8\n")
        refused = person.types("deploy", code=1)
    assert "redis-server.service" in refused.stdout + refused.stderr
    assert manifest(person.root) == before


def test_the_sandbox_runs_on_until_it_is_taken_down(person):
    person.types("plan")
    socket_of = person.root / "run/supervisor.lock"
    assert socket_of.exists()
    assert "down" in person.types("sandbox.down").stdout
    person.types("sandbox.down", "--remove")
    assert not person.root.exists()


def test_two_executors_run_under_their_own_names_and_are_proved(person):
    text = person.inventory.read_text()
    person.inventory.write_text(
        text.replace("    redis_port", "    execution_instances: 2\n    redis_port")
    )
    assert person.asks("deploy")["state"] == "committed"
    proved = person.asks("proof")
    assert proved["verdict"] == "proved"
    assert {claim["service"] for claim in proved["claims"]} == {
        "", "p35-decision-intelligence", "ai-strategy-router", "execution",
    }  # fmt: skip
    for number in (1, 2):
        log = person.root / f"var/log/journal/quantum-execution@{number}.service.log"
        said = [json.loads(line) for line in log.read_text().splitlines()]
        assert {each["consumer"] for each in said} == {f"box-{number}"}


def test_an_inventory_that_opens_a_gate_to_trading_is_refused(person):
    text = person.inventory.read_text()
    person.inventory.write_text(
        text.replace("    redis_port", "    safe_drain: false\n    redis_port")
    )
    refused = person.types("plan", code=3)
    assert "safe_drain is not for an inventory to open" in refused.stderr
    assert "invoke trading.enable" in refused.stderr
