"""Deploy, prove, change and roll back three real hosts over SSH by typing what a person types."""

from __future__ import annotations

import re
import shutil

import pytest

from commands.props import broken_release
from tests.lab import looking
from tests.lab.laptop import CONSUMER, ENV, PROJECT, REDIS, read, remove, write

pytestmark = pytest.mark.lab

NAMES = ("lab1", "lab2", "lab3")
DROP_IN = f"/etc/systemd/system/{CONSUMER}.d/by-hand.conf"
MAIN = "consumers/decision_intelligence.py"


def invocations(units, name):
    return {host: each[name]["InvocationID"] for host, each in units.items()}


def test_deploy_is_idempotent_proved_and_goes_back_to_the_byte(laptop):
    before, asleep = laptop.trees(), laptop.units()
    assert {each[CONSUMER]["LoadState"] for each in asleep.values()} == {"not-found"}
    assert asleep["lab1"][REDIS]["UnitFileState"] == "disabled"

    assert laptop.asks("deploy")["hosts"] == dict.fromkeys(NAMES, "committed")
    running = laptop.units()
    assert {each[CONSUMER]["ActiveState"] for each in running.values()} == {"active"}
    assert {each[CONSUMER]["UnitFileState"] for each in running.values()} == {"enabled"}
    assert running["lab1"][REDIS]["UnitFileState"] == "enabled"

    assert "zero changes on 3 hosts" in laptop.types("deploy").stdout
    assert laptop.asks("plan")["changes"] == 0
    assert laptop.units() == running
    assert laptop.asks("drift")["hosts"] == {name: [] for name in NAMES}
    assert laptop.asks("proof")["verdict"] == "proved"
    assert laptop.units() == running

    assert laptop.asks("rollback")["hosts"] == dict.fromkeys(NAMES, "rolled_back")
    assert laptop.trees() == before
    for host, each in laptop.units().items():
        for name, state in each.items():
            for key in ("LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload"):
                assert state[key] == asleep[host][name][key]
    assert "2 records verified" not in laptop.types("ledger.verify").stdout
    assert set(laptop.pasts()["lab1"]) == {"rolled_back"}


def test_a_changed_value_is_one_diff_and_one_restart_and_goes_back(deployed):
    before, old = deployed.trees(), deployed.units()
    digests = {h.name: digest_of_the_running_env(h, old) for h in deployed.hosts}
    with deployed.wanting({"batch_size": 500}):
        planned = deployed.asks("plan")["hosts"]
        for plan in planned.values():
            assert [step["what"] for step in plan["steps"]] == [ENV, CONSUMER]
            changed = [line for line in plan["steps"][0]["lines"] if re.match(r"[+-]\w", line)]
            assert changed[-2:] == ["-BATCH_SIZE=1000", "+BATCH_SIZE=500"]
            assert plan["restarts"] == [CONSUMER]
        assert deployed.asks("deploy")["state"] == "committed"
        new = deployed.units()
        assert deployed.asks("deploy")["state"] == "unchanged"
    for host in deployed.hosts:
        assert new[host.name][CONSUMER]["InvocationID"] != old[host.name][CONSUMER]["InvocationID"]
        assert new[host.name][CONSUMER]["NRestarts"] == "0"
        assert new[host.name][REDIS] == old[host.name][REDIS]
        assert digest_of_the_running_env(host, new) != digests[host.name]

    assert deployed.asks("rollback")["state"] == "rolled_back"
    assert deployed.trees() == before
    back = deployed.units()
    assert {h.name: digest_of_the_running_env(h, back) for h in deployed.hosts} == digests
    assert invocations(back, REDIS) == invocations(old, REDIS)
    assert deployed.asks("deploy")["state"] == "unchanged"


def digest_of_the_running_env(host, units):
    environ = looking.environ(host, units[host.name][CONSUMER]["MainPID"])
    assert f"QUANTUM_ENV_DIGEST={environ['QUANTUM_ENV_DIGEST']}" in read(host, ENV) or (
        "another file than the one on the disk"
    )
    return environ["QUANTUM_ENV_DIGEST"]


def test_what_was_changed_by_hand_is_named_kept_and_never_overwritten_unasked(deployed):
    host = deployed.hosts[1]
    deployed_text = read(host, ENV)
    by_hand = f"{deployed_text}LOG_LEVEL=DEBUG\n"
    write(host, ENV, by_hand)
    write(host, DROP_IN, "[Service]\nNice=5\n")
    edited = deployed.trees()

    found = deployed.asks("drift", code=2)["hosts"]
    assert {drift["path"] for drift in found["lab2"]} == {ENV}
    assert not found["lab1"] + found["lab3"]
    looking.inside(host, "systemctl", "daemon-reload")
    found = deployed.asks("drift", code=2)["hosts"]["lab2"]
    assert {drift["path"] for drift in found} == {ENV, DROP_IN}

    refused = deployed.types("deploy", code=2)
    assert f"changed by hand since the last deploy: {ENV}" in refused.stderr
    assert "lab2" in refused.stderr
    assert "--overwrite-drift" in refused.stderr
    assert deployed.trees() == edited

    assert deployed.asks("deploy", "--overwrite-drift")["hosts"] == {"lab2": "committed"}
    assert read(host, ENV) == deployed_text
    deployed.asks("rollback", code=1)  # every byte is back, and that is not what was deployed
    assert deployed.trees() == edited
    write(host, ENV, deployed_text)
    remove(host, DROP_IN.rpartition("/")[0])
    looking.inside(host, "systemctl", "daemon-reload")
    assert deployed.asks("deploy")["state"] in {"unchanged", "committed"}
