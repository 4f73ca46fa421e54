"""Bad days on real hosts: whatever dies or refuses, no host is left in the middle of something."""

from __future__ import annotations

import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from commands import rollback
from commands.choosing import choose
from commands.showing import Display
from harness.links import way as connection
from harness.session import Session
from lab import breaking
from lab.entering import leader
from lab.places import KNOWN_HOSTS
from tests.lab import looking
from tests.lab.laptop import CONSUMER, REDIS
from tests.waiting import until

pytestmark = pytest.mark.lab

#: A setting of the analytics alone: one file and one restart on each host.
CHANGED = {"alert_min_events": 40}
#: What a host does by itself after its laptop has gone, in seconds; seen: one or two.
BY_ITSELF_WITHIN_S = 120.0
#: A boundary between the first and the last write of an undo.
AMID_AN_UNDO = 16


class Watching(Display):
    """Shows nothing; does one thing when the words that it waits for would be shown."""

    def __init__(self, words, action):
        super().__init__(quiet=True)
        self.words, self.action, self.met = words, action, False

    def stage(self, text):
        if not self.met and text.startswith(self.words):
            self.met = True
            self.action()

    def mark(self, hosts, stage, text, note=""):
        for host in hosts:
            self.stage(f"{host}  {stage} {text}")


@pytest.fixture
def same(deployed):
    """A function that insists that hosts are as they were, with the same processes or others."""
    before, old = deployed.trees(), deployed.units()

    def insist(*hosts, same_processes=True):
        for host in hosts or deployed.hosts:
            assert looking.tree(host) == before[host.name]
            now = looking.units(host, (CONSUMER, REDIS))
            if same_processes:
                assert now == old[host.name]
            assert now[CONSUMER]["ActiveState"] == "active"
            assert now[REDIS]["ActiveState"] == old[host.name][REDIS]["ActiveState"]

    return insist


@pytest.fixture
def third(deployed):
    """The host that loses its power in a test, and has it again afterwards."""
    host = deployed.hosts[2]
    yield host
    if leader(host) is None:
        breaking.power_on(host)


@pytest.fixture
def impatient(monkeypatch):
    """Notice a lost connection at once; without this it takes half a minute."""
    monkeypatch.setattr(connection, "KEEPALIVE_S", 1)
    monkeypatch.setattr(connection, "UNACKNOWLEDGED_S", 1)


def test_an_unreachable_host_ends_a_deploy_before_anything_changed(deployed, third, same):
    breaking.power_off(third)
    with deployed.wanting(CHANGED):
        refused = deployed.types("deploy", code=1)
        assert "error: lab3, connecting:" in refused.stderr
        assert f"ssh -i /run/quantum-lab/id_ed25519 ops@{third.address}" in refused.stderr
        assert deployed.asks("deploy", code=1)["error"]["host"] == "lab3"
        same(*deployed.hosts[:2])
        assert deployed.asks("plan", "--limit", "!lab3")["changes"] == 4
    breaking.power_on(third)
    until(lambda: looking.units(third, (CONSUMER,))[CONSUMER]["ActiveState"] == "active")
    assert deployed.asks("deploy")["state"] == "unchanged"


def test_an_unknown_host_key_is_refused_until_it_is_trusted(deployed, tmp_path, same):
    known = tmp_path / "known_hosts"
    with deployed.wanting({**CHANGED, "known_hosts": known}):
        refused = deployed.types("deploy", code=3)
        trust = f"invoke hosts.trust -i {deployed.inventory}"
        assert f"next: {trust} --limit lab" in refused.stderr
        same()
        assert "nobody agreed" in deployed.types("hosts.trust", code=3).stderr
        assert not known.exists()
        assert deployed.types("hosts.trust", "--yes").stdout.count("trusted: ssh-ed25519") == 3
        assert deployed.asks("plan")["changes"] == 6


def test_a_changed_host_key_is_refused_with_what_to_type(deployed, tmp_path, another_key, same):
    known, address = tmp_path / "known_hosts", deployed.hosts[0].address
    key = another_key.with_suffix(".pub").read_text()
    _, *others = KNOWN_HOSTS.read_text().splitlines(keepends=True)
    known.write_text("".join([f"{address} {key}", *others]))
    with deployed.wanting({**CHANGED, "known_hosts": known}):
        refused = deployed.types("deploy", code=3)
        assert "CHANGED" in refused.stderr
        assert f"ssh-keygen -R {address} -f {known}" in refused.stderr
        again = deployed.types("hosts.trust", "--yes", code=3)
        assert "CHANGED" in again.stderr
    same()


def test_a_wrong_user_key_and_a_missing_one_are_said_so(deployed, tmp_path, another_key, same):
    with deployed.wanting({**CHANGED, "ansible_ssh_private_key_file": another_key}):
        refused = deployed.types("deploy", code=1)
        assert f"the key {another_key} was not accepted for user ops" in refused.stderr
    with deployed.wanting({**CHANGED, "ansible_ssh_private_key_file": tmp_path / "none"}):
        assert str(tmp_path / "none") in deployed.types("deploy", code=3).stderr
    same()


@pytest.fixture
def another_key(tmp_path):
    path = tmp_path / "another"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def test_a_user_without_sudo_is_a_configuration_error(deployed, same):
    with breaking.without_sudo(deployed.hosts[1]), deployed.wanting(CHANGED):
        refused = deployed.types("deploy", code=3)
    assert "error: lab2, sudo -n: sudo was refused" in refused.stderr
    assert "NOPASSWD" in refused.stderr
    same(deployed.hosts[0], deployed.hosts[2])


@pytest.mark.parametrize(
    ("free", "cause"), [(0, " 0 KiB free, the deploy"), (1 << 19, "KiB free, the deploy needs")]
)
def test_a_full_disk_refuses_the_deploy_on_every_host(deployed, same, free, cause):
    with breaking.full_disk(deployed.hosts[1], free=free), deployed.wanting(CHANGED):
        refused = deployed.types("deploy", code=1)
        said = refused.stdout.splitlines()
        told = next((line for line in said if cause in line), None)
        assert told, refused.stdout
        assert told.startswith("  lab2, ")
        assert "next: free some space on the host and deploy again" in refused.stdout
        assert "rolled_back: lab1 rolled_back, lab2 rolled_back, lab3 rolled_back" in refused.stdout
        same(deployed.hosts[1])
    same(same_processes=False)


def test_a_redis_that_is_not_there_refuses_the_deploy(deployed, same):
    nowhere = {"redis_host": deployed.hosts[2].address, "ready_within_s": 5}
    with deployed.wanting(on_hosts={"lab2": nowhere}):
        refused = deployed.types("deploy", code=1)
    assert CONSUMER in refused.stdout
    assert "rolled_back: lab2 rolled_back" in refused.stdout
    same(same_processes=False)


@pytest.mark.parametrize("moment", ["lab3  apply 1/", "gate"])
def test_a_host_that_loses_its_power_in_mid_deploy_takes_nobody_with_it(
    deployed, third, same, impatient, moment
):
    before = looking.tree(third)
    with deployed.wanting(CHANGED):
        watching = Watching(moment, lambda: breaking.power_off(third))
        outcome = deployed.deploys(watching)
        assert watching.met
        assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
        assert outcome.hosts == {"lab1": "rolled_back", "lab2": "rolled_back", "lab3": "in_doubt"}
        assert any("lab3" in reason for reason in outcome.reasons)
    same(*deployed.hosts[:2], same_processes=False)

    breaking.power_on(third)
    assert set(looking.transactions(third)) <= {"committed", "rolled_back"}, "by the boot itself"
    until(lambda: looking.units(third, (CONSUMER,))[CONSUMER]["ActiveState"] == "active")
    assert looking.tree(third) == before
    assert "unfinished" not in deployed.types("plan").stdout
    assert "zero changes on 3 hosts" in deployed.types("deploy").stdout
    same(same_processes=False)


def test_a_host_lost_at_the_commit_is_told_and_the_rollback_finds_it(
    deployed, third, same, impatient
):
    with deployed.wanting(CHANGED):
        outcome = deployed.deploys(Watching("commit", lambda: breaking.power_off(third)))
    assert (outcome.state, outcome.exit_code) == ("in_doubt", 2)
    assert outcome.hosts == {"lab1": "committed", "lab2": "committed", "lab3": "in_doubt"}
    assert outcome.reasons[0].startswith("lab3: was lost before it said how this ended")

    breaking.power_on(third)
    assert set(looking.transactions(third)) <= {"committed", "rolled_back"}, "by the boot itself"
    undone = deployed.types("rollback").stdout
    assert "rolled_back: lab1 rolled_back, lab2 rolled_back" in undone
    same(same_processes=False)


def test_a_host_that_loses_its_power_amid_a_rollback_ends_it_as_it_boots(
    deployed, third, impatient, monkeypatch
):
    before = looking.tree(third)
    with deployed.wanting(CHANGED):
        deployed.types("deploy")
    after, hello = looking.tree(third), Session.hello
    monkeypatch.setattr(
        Session, "hello", lambda session, **given: hello(session, **given, stop_at=AMID_AN_UNDO)
    )
    chosen = choose(None, str(deployed.inventory), "lab3")
    with ThreadPoolExecutor() as pool:
        undone = pool.submit(rollback.carry_out, chosen, Display(quiet=True), yes=True)
        until(lambda: "undoing" in looking.transactions(third), what="a host amid its undo")
        breaking.power_off(third)
        said = undone.result(BY_ITSELF_WITHIN_S)
    assert (said["hosts"], said["exit_code"]) == ({"lab3": "in_doubt"}, 2)
    monkeypatch.setattr(Session, "hello", hello)

    breaking.power_on(third)
    assert set(looking.transactions(third)) <= {"committed", "rolled_back"}, "by the boot itself"
    assert looking.tree(third) == before != after
    deployed.types("rollback", "--limit", "!lab3")
    assert "zero changes on 3 hosts" in deployed.types("deploy").stdout


def test_a_killed_laptop_is_missed_by_nobody(deployed, same):
    with deployed.wanting(CHANGED):
        typing = deployed.start("deploy")
        with typing:
            try:
                assert any(line.startswith("gate") for line in typing.stdout)
            finally:
                typing.send_signal(signal.SIGKILL)
    until(
        lambda: all(
            set(each) <= {"committed", "rolled_back"} for each in deployed.pasts().values()
        ),
        BY_ITSELF_WITHIN_S,
        "putting back without a laptop",
    )
    same(same_processes=False)
    with deployed.wanting(CHANGED):
        assert deployed.asks("plan")["changes"] == 6
    assert deployed.asks("deploy")["state"] == "unchanged"


def test_of_two_deploys_at_once_one_wins_and_the_other_is_told_who(deployed, same):
    refused = {}

    def deploy_too():
        for name in ("deploy", "rollback"):
            refused[name] = deployed.types(name, code=1).stderr

    with deployed.wanting(CHANGED):
        outcome = deployed.deploys(Watching("gate", deploy_too))
    assert outcome.state == "committed"
    for said in refused.values():
        assert outcome.transaction in said
        assert "a holder that dies frees the lock by itself" in said
    assert deployed.asks("rollback")["state"] == "rolled_back"
    same(same_processes=False)
