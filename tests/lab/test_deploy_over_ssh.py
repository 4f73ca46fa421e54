"""Deploy, prove, change and roll back three real hosts over SSH by typing what a person types."""

from __future__ import annotations

import re
import shutil

import pytest

from commands.props import broken_release
from lab.describing import NOT_ENFORCED
from lab.entering import inside
from tests.lab import looking
from tests.lab.laptop import CONSUMER, ENV, PROJECT, REDIS, read, remove, write

pytestmark = pytest.mark.lab

NAMES = ("lab1", "lab2", "lab3")
DROP_IN = f"/etc/systemd/system/{CONSUMER}.d/by-hand.conf"
WAITING = DROP_IN.replace("by-hand", "waiting")
ELSEWHERE = DROP_IN.replace("/etc/", "/run/").replace("by-hand", "elsewhere")
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
    assert "3 records verified" in laptop.types("ledger.verify").stdout


def test_a_changed_value_is_one_diff_and_one_restart_and_goes_back(deployed):
    before, old = deployed.trees(), deployed.units()
    digests = {h.name: digest_of_the_running_env(h, old) for h in deployed.hosts}
    with deployed.wanting({"alert_min_events": 40}):
        planned = deployed.asks("plan")["hosts"]
        for plan in planned.values():
            assert [step["what"] for step in plan["steps"]] == [ENV, CONSUMER]
            changed = [line for line in plan["steps"][0]["lines"] if re.match(r"[+-]\w", line)]
            assert changed[-2:] == ["-ALERT_MIN_EVENTS=100", "+ALERT_MIN_EVENTS=40"]
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


def test_a_plan_and_a_drift_write_nothing_anywhere_on_the_hosts(deployed):
    with deployed.wanting({"alert_min_events": 40}):
        deployed.types("plan")
        before = {host.name: looking.audit(host) for host in deployed.hosts}
        assert deployed.asks("plan")["changes"] == 6
        deployed.types("drift")
        for host in deployed.hosts:
            assert looking.audit(host) == before[host.name]
        assert "/tmp" in before["lab1"]
        assert any(path.startswith("/var/lib/quantum-ops/tx/") for path in before["lab1"])
        # one that writes is seen
        lab1 = deployed.hosts[0]
        looking.inside(lab1, "touch", "/tmp")
        assert looking.audit(lab1) != before["lab1"]


def digest_of_the_running_env(host, units):
    digest = looking.environ(host, units[host.name][CONSUMER]["MainPID"])["QUANTUM_ENV_DIGEST"]
    assert f"QUANTUM_ENV_DIGEST={digest}\n" in read(host, ENV)
    return digest


@pytest.fixture
def edited_by_hand(deployed):
    """The second host's env file was changed, and its unit by a drop-in."""
    host = deployed.hosts[1]
    as_deployed = read(host, ENV)
    write(host, ENV, f"{as_deployed}LOG_LEVEL=DEBUG\n")
    write(host, DROP_IN, "[Service]\nNice=5\n")
    inside(host, "systemctl", "daemon-reload")
    yield host
    remove_drop_in(host)
    write(host, ENV, as_deployed)
    inside(host, "systemctl", "restart", CONSUMER)
    assert deployed.asks("deploy")["state"] == "unchanged"


def remove_drop_in(host):
    for path in (DROP_IN, ELSEWHERE):
        remove(host, path.rpartition("/")[0])
    inside(host, "systemctl", "daemon-reload")


def test_what_was_changed_by_hand_is_named_and_kept_unless_asked(deployed, edited_by_hand):
    host = edited_by_hand
    edited = deployed.trees()

    found = deployed.asks("drift", code=2)["hosts"]
    assert {drift["path"] for drift in found["lab2"]} == {ENV, DROP_IN}
    assert not found["lab1"] + found["lab3"]

    refused = deployed.types("deploy", code=2)
    assert f"changed by hand since the last deploy: {ENV}" in refused.stderr
    assert "lab2" in refused.stderr
    assert "--overwrite-drift" in refused.stderr
    assert deployed.trees() == edited

    # one that waits for a daemon-reload is seen as well
    write(host, WAITING, "[Service]\nNice=6\n")
    edited = deployed.trees()
    paths = {drift["path"] for drift in deployed.asks("drift", code=2)["hosts"]["lab2"]}
    assert paths == {ENV, DROP_IN, WAITING, CONSUMER}
    refused = deployed.types("deploy", code=2)
    assert all(path in refused.stderr for path in (DROP_IN, WAITING, "+Nice=6"))

    # one that lies where it is not a deploy's to remove is refused, whatever was asked
    write(host, ELSEWHERE, "[Service]\nNice=7\n")
    inside(host, "systemctl", "daemon-reload")
    assert ELSEWHERE in deployed.types("deploy", "--overwrite-drift", code=2).stderr
    remove(host, ELSEWHERE.rpartition("/")[0])
    inside(host, "systemctl", "daemon-reload")
    assert deployed.trees() == edited

    assert deployed.asks("deploy", "--overwrite-drift")["hosts"] == {"lab2": "committed"}
    assert "LOG_LEVEL=DEBUG" not in read(host, ENV)
    assert deployed.asks("drift")["hosts"]["lab2"] == []
    assert deployed.units()["lab2"][CONSUMER]["NeedDaemonReload"] == "no"
    # every byte is back, the hand's among them: what runs is not what was deployed
    assert deployed.asks("rollback", code=1)["state"] == "rolled_back"
    assert deployed.trees() == edited


def does_not_import(text):
    return text.replace("import sys\n", "import sys\nimport nowhere_to_be_found\n", 1)


def crashes_at_start(text):
    start = 'if __name__ == "__main__":\n'
    return text.replace(start, f'{start}    sys.exit("the exchange is closed")\n', 1)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (does_not_import, "No module named 'nowhere_to_be_found'"),
        (crashes_at_start, "the exchange is closed"),
    ],
)
def test_a_release_that_does_not_start_leaves_the_old_one_running(
    deployed, tmp_path, broken, reason
):
    for name in ("streams", "consumers"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    text = (tmp_path / MAIN).read_text()
    (tmp_path / MAIN).write_text(broken(text))
    assert (tmp_path / MAIN).read_text() != text
    before, old = deployed.trees(), deployed.units()

    outcome = deployed.deploys(sources=tmp_path)

    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert outcome.hosts == dict.fromkeys(NAMES, "rolled_back")
    assert len([each for each in outcome.reasons if reason in each]) == len(NAMES)
    if broken is does_not_import:
        assert deployed.units() == old
    expect_the_old_release(deployed, before, old)


def test_a_release_that_is_ready_and_does_nothing_is_refused_by_the_gate(deployed):
    before, old = deployed.trees(), deployed.units()
    with deployed.wanting({"gate_within_s": 3}), broken_release() as sources:
        outcome = deployed.deploys(sources=sources)
    assert (outcome.state, outcome.exit_code) == ("rolled_back", 1)
    assert outcome.hosts == dict.fromkeys(NAMES, "rolled_back")
    assert any("effect_flows" in reason for reason in outcome.reasons)
    expect_the_old_release(deployed, before, old)


def expect_the_old_release(laptop, before, old):
    assert laptop.trees() == before
    release = {path for path in before["lab1"] if re.fullmatch("/opt/quantum/releases/[^/]+", path)}
    now = laptop.units()
    for host in laptop.hosts:
        state = now[host.name][CONSUMER]
        assert state["ActiveState"] == "active"
        assert {looking.folder_of(host, state["MainPID"])} == release
        assert now[host.name][REDIS] == old[host.name][REDIS]


def test_a_unit_that_was_weakened_by_hand_is_no_longer_confined_and_doctor_names_the_line(deployed):
    host = deployed.hosts[2]
    gaps = f"[{', '.join(name for name in NOT_ENFORCED if name != 'IPAddressDeny')}]"
    write(host, DROP_IN, "[Service]\nMemoryDenyWriteExecute=no\nProtectHome=no\n")
    inside(host, "systemctl", "daemon-reload")
    try:
        with deployed.wanting({"not_enforced": gaps}):
            (claim,) = deployed.asks("proof", "--only", "confined", "--limit", "lab3", code=1)[
                "claims"
            ]
        lines = deployed.asks("doctor", "--limit", "lab3", code=1)["lines"]
    finally:
        remove(host, DROP_IN)
        inside(host, "systemctl", "daemon-reload")
    said = "; ".join(claim["reasons"])
    assert "nothing in the unit forbids that it maps memory to write to and execute" in said
    assert "credited but not enforced here: IPAddressDeny" in said
    assert f"{CONSUMER} is changed by {DROP_IN}" in said
    wrong = {(line["unit"], line["what"]) for line in lines if line["state"] == "wrong"}
    taken_away = {"map_writable_code", "turn_memory_to_code", "read_home"}
    assert wrong == {(CONSUMER, action) for action in taken_away}
    known = {line["what"] for line in lines if "the inventory says so" in line["text"]}
    assert known > {"IPAddressDeny", "MemoryMax"}
    assert looking.probing(host) == []


def test_a_rotated_secret_is_one_restart_each_and_is_seen_nowhere(deployed):
    before, old = deployed.trees(), deployed.units()
    first, second = deployed.password.read_text(), "staple-of-another-battery"
    deployed.password.write_text(second)
    said = [
        deployed.types("plan"), deployed.types("deploy"),
        deployed.types("proof", "--only", "running_what_was_deployed", "--json"),
    ]  # fmt: skip
    new = deployed.units()
    for host, each in old.items():
        assert new[host][CONSUMER]["InvocationID"] != each[CONSUMER]["InvocationID"]
        assert (new[host][CONSUMER]["NRestarts"], new[host][REDIS]["NRestarts"]) == ("0", "0")
    assert new["lab1"][REDIS]["InvocationID"] != old["lab1"][REDIS]["InvocationID"]

    deployed.password.write_text(first)
    said.append(deployed.types("rollback"))
    assert deployed.trees() == before
    assert deployed.asks("deploy")["state"] == "unchanged"
    written = [path for path in deployed.records.rglob("*") if path.is_file()]
    texts = [done.stdout + done.stderr for done in said]
    texts += [path.read_text(errors="replace") for path in written]
    assert len(written) > 10
    for secret in (first, second):
        assert not [text for text in texts if secret in text]
        for host in deployed.hosts:
            assert looking.leaks(host, secret) == []


EXECUTORS = ("quantum-execution@1.service", "quantum-execution@2.service")
#: What useradd writes; a user stays.
OF_USERS = re.compile(r"/etc(/(passwd|group|shadow|gshadow|subuid|subgid)-?)?")


def test_a_service_goes_and_another_gets_a_user_and_all_but_the_user_comes_back(deployed):
    host = deployed.hosts[1]
    before, old = without_users(looking.tree(host)), looking.units(host, (*EXECUTORS, CONSUMER))
    assert {state["ActiveState"] for state in old.values()} == {"active"}
    changes = {"absent": "[execution]", "decision_intelligence_user": "quantum-p35"}
    with deployed.wanting(on_hosts={host.name: changes}):
        outcome = deployed.deploys()
        assert outcome.hosts == {host.name: "committed"}
        now = looking.units(host, (*EXECUTORS, CONSUMER))
        assert {now[name]["LoadState"] for name in EXECUTORS} == {"not-found"}
        assert {now[name]["ActiveState"] for name in EXECUTORS} == {"inactive"}
        pid = now[CONSUMER]["MainPID"]
        uid = inside(host, "id", "-u", "quantum-p35").stdout.decode().strip()
        assert re.search(rf"^Uid:\t{uid}\t{uid}\t", read(host, f"/proc/{pid}/status"), re.MULTILINE)
        left = [path for path in looking.tree(host) if "execution" in path]
        assert [path for path in left if not path.startswith("/opt/")] == []

    said = deployed.types("rollback", "--yes").stdout
    assert "user quantum-p35 stays" in said
    assert without_users(looking.tree(host)) == before
    back = looking.units(host, (*EXECUTORS, CONSUMER))
    assert {state["ActiveState"] for state in back.values()} == {"active"}
    assert {state["UnitFileState"] for state in back.values()} == {"enabled"}
    inside(host, "userdel", "quantum-p35")


def without_users(tree):
    return {path: state for path, state in tree.items() if not OF_USERS.fullmatch(path)}
