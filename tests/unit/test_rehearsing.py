"""A run's rehearsal: what is deployed for it, what is put back, and how another process knows."""

import contextlib
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from commands import deploy, rehearsing, rollback
from commands.choosing import Chosen
from commands.outcomes import Outcome
from commands.showing import Display
from harness.errors import ConfigurationError, LockedError, QuantumError
from harness.inventory import load
from roles.execution import LIFTED, TRADING

INVENTORY = """
all:
  vars: {{mode: sandbox, roles: [{roles}], records: {folder}/records}}
  hosts:
    one: {{ansible_connection: local, sandbox_root: one}}
    two: {{ansible_connection: local, sandbox_root: two}}
"""
QUIET = Display(quiet=True)
URL = "http://127.0.0.1:9911"


class Hosts:
    """What stands on hosts that nobody reaches: the deploys of each, oldest first."""

    def __init__(self, monkeypatch, path):
        self.path, self.done = path, []
        self.deploys = {"one": ["d1"], "two": ["d1", "d2"]}
        self.outcome, self.undone = "committed", "rolled_back"
        self.held_for, self.unfinished, self.recovered = 0, [], []
        monkeypatch.setattr(rehearsing, "reach_all", self.reached)
        monkeypatch.setattr(deploy, "carry_out", self.deployed)
        monkeypatch.setattr(rollback, "carry_out", self.rolled_back)

    def chosen(self, mode="sandbox", roles="execution"):
        self.path.write_text(INVENTORY.format(roles=roles, folder=self.path.parent))
        inventory = load(str(self.path))
        return Chosen(inventory, tuple(replace(host, mode=mode) for host in inventory.hosts))

    @contextlib.contextmanager
    def reached(self, hosts, *_):
        self.held_for -= 1
        yield [
            SimpleNamespace(
                host=host,
                transactions=[
                    {"id": each, "state": "committed"} for each in self.deploys[host.name]
                ],
                lock={"operator": "a dead one"} if self.held_for >= 0 else None,
                unfinished=self.unfinished,
                session=SimpleNamespace(recover=lambda *, meta: self.recover(meta)),
            )
            for host in hosts
        ]

    def recover(self, meta):
        assert meta["operator"]
        self.recovered.append((self.held_for, tuple(self.unfinished)))

    def deployed(self, chosen, *_, **__):
        kind = "rehearsal" if TRADING in chosen.hosts[0].values else "plain"
        self.done.append(kind)
        if self.outcome == "committed":
            for host in chosen.hosts:
                self.deploys[host.name].append(f"{kind}-{len(self.done)}")
        return Outcome(self.outcome)

    def rolled_back(self, chosen, *_, to="", **__):
        self.done.append((to, *(host.name for host in chosen.hosts)))
        if self.undone == "rolled_back":
            for host in chosen.hosts:
                ids = self.deploys[host.name]
                del ids[ids.index(to) + 1 :]
        return {"state": self.undone}


@pytest.fixture
def hosts(monkeypatch, tmp_path):
    return Hosts(monkeypatch, tmp_path / "box.yml")


def test_it_is_deployed_and_rolled_back_to_what_stood_there_on_each_host(hosts):
    chosen = hosts.chosen()
    with rehearsing.rehearsal(chosen, QUIET) as other:
        assert all(host.values[TRADING] == "testnet" for host in other.hosts)
        assert rehearsing.left(chosen).before == {"one": "d1", "two": "d2"}
        assert hosts.done == ["rehearsal"]
    assert hosts.done == ["rehearsal", ("d1", "one"), ("d2", "two")]
    assert hosts.deploys == {"one": ["d1"], "two": ["d1", "d2"]}
    assert rehearsing.left(chosen) is None


def test_what_was_deployed_meanwhile_goes_with_it(hosts):
    with rehearsing.rehearsal(hosts.chosen(), QUIET):
        hosts.deploys["one"].append("by-a-fault")
    assert hosts.deploys["one"] == ["d1"]


def test_where_it_changes_nothing_nothing_is_put_back(hosts):
    hosts.outcome = "unchanged"
    with rehearsing.rehearsal(hosts.chosen(), QUIET):
        pass
    assert hosts.done == ["rehearsal"]


@pytest.mark.parametrize(("mode", "roles"), [("testnet", "execution"), ("sandbox", "redis_server")])
def test_where_there_is_nothing_to_rehearse_nobody_is_reached(hosts, mode, roles):
    chosen = hosts.chosen(mode, roles)
    with rehearsing.rehearsal(chosen, QUIET) as other:
        assert other is chosen
    assert hosts.done == []
    assert not chosen.inventory.records.exists()


@pytest.mark.parametrize("why", ["nothing stood there", "forgotten", "not undone", "refused"])
def test_where_a_rollback_is_not_exact_the_inventory_is_deployed(hosts, monkeypatch, why):
    def refused(*_, **__):
        raise QuantumError("no")

    if why == "nothing stood there":
        hosts.deploys["two"] = []
    with rehearsing.rehearsal(hosts.chosen(), QUIET):
        if why == "forgotten":
            hosts.deploys["one"].remove("d1")
        if why == "not undone":
            hosts.undone = "in_doubt"
        if why == "refused":
            monkeypatch.setattr(rollback, "carry_out", refused)
    assert hosts.done[-1] == "plain"


def test_what_cannot_be_put_back_is_an_error_and_stays_to_be_put_back(hosts):
    chosen = hosts.chosen()
    with (
        pytest.raises(QuantumError, match="still rehearses trading"),
        rehearsing.rehearsal(chosen, QUIET),
    ):
        hosts.undone, hosts.outcome = "failed", "rolled_back"
    assert rehearsing.left(chosen).before == {"one": "d1", "two": "d2"}
    hosts.undone = "rolled_back"
    assert rehearsing.put_back(chosen, QUIET)
    assert hosts.deploys["two"] == ["d1", "d2"]
    assert not rehearsing.put_back(chosen, QUIET)


def test_a_rehearsal_that_does_not_come_up_is_an_error(hosts):
    hosts.outcome = "rolled_back"
    chosen = hosts.chosen()
    with pytest.raises(QuantumError, match="ended rolled_back"), \
            rehearsing.rehearsal(chosen, QUIET):  # fmt: skip
        raise AssertionError
    assert hosts.done == ["rehearsal"]
    assert rehearsing.left(chosen) is None


def test_a_run_that_fails_is_put_back_as_well(hosts):
    with pytest.raises(KeyboardInterrupt), rehearsing.rehearsal(hosts.chosen(), QUIET):
        raise KeyboardInterrupt
    assert hosts.deploys["one"] == ["d1"]


def left_by_a_dead_run(chosen):
    folder = chosen.inventory.records / "faults"
    folder.mkdir(parents=True)
    left = {"before": {"one": "d1", "two": "d2"}, "exchange_url": ""}
    (folder / f"rehearsal-{chosen.inventory.name}.json").write_text(json.dumps(left))


def test_what_a_dead_run_was_amid_of_is_over_before_anybody_says_so(hosts):
    """Its hosts know of no deploy that they keep, and still have what it deployed."""
    chosen = hosts.chosen()
    left_by_a_dead_run(chosen)
    hosts.held_for, hosts.unfinished = 3, ["rehearsal-0"]
    assert rehearsing.put_back(chosen, QUIET)
    assert hosts.recovered == [(-1, ("rehearsal-0",))] * 2
    assert rehearsing.left(chosen) is None


def test_who_goes_on_deploying_is_told_and_it_stays_to_be_put_back(hosts, monkeypatch):
    chosen = hosts.chosen()
    left_by_a_dead_run(chosen)
    monkeypatch.setattr(rehearsing, "confirm_within_s", lambda _: -rehearsing.MORE_S)
    hosts.held_for = 1_000
    with pytest.raises(LockedError, match="a dead one deploys here"):
        rehearsing.put_back(chosen, QUIET)
    assert rehearsing.left(chosen)


def test_another_process_waits_and_then_finishes(hosts):
    chosen = hosts.chosen()
    with rehearsing.rehearsal(chosen, QUIET, ""):
        with pytest.raises(LockedError, match="another run rehearses"):
            rehearsing.put_back(chosen, QUIET)
        path = next((chosen.inventory.records / "faults").glob("rehearsal-*.json"))
        kept = path.read_text()
    path.write_text(kept)  # as a process that died has left it
    hosts.deploys["one"].append("rehearsal-1")
    few = replace(chosen, hosts=chosen.hosts[1:])
    assert rehearsing.put_back(few, QUIET)
    assert hosts.deploys["one"] == ["d1"]


def test_the_next_run_puts_back_first(hosts):
    chosen = hosts.chosen()
    left_by_a_dead_run(chosen)
    hosts.deploys["one"].append("rehearsal-0")
    with rehearsing.rehearsal(chosen, QUIET):
        assert hosts.done == [("d1", "one"), "rehearsal"]


def test_a_note_that_was_never_finished_says_that_nothing_was_deployed(hosts):
    chosen = hosts.chosen()
    folder = chosen.inventory.records / "faults"
    folder.mkdir(parents=True)
    (folder / f"rehearsal-{chosen.inventory.name}.json").write_text('{"before": {"on')
    assert rehearsing.left(chosen) is None
    assert not rehearsing.put_back(chosen, QUIET)


def test_an_exchange_that_nobody_asks_is_refused(hosts):
    with pytest.raises(ConfigurationError, match="none of the hosts runs execution"):
        rehearsing.rehearsed(hosts.chosen(roles="redis_server"), URL)


def test_with_an_exchange_execution_trades_there(hosts):
    other = rehearsing.rehearsed(hosts.chosen(), URL)
    assert {host.values["exchange_url"] for host in other.hosts} == {URL}


def test_limits_are_lifted_for_the_rehearsal_alone(hosts):
    chosen = hosts.chosen()
    other = rehearsing.rehearsed(chosen)
    for before, now in zip(chosen.hosts, other.hosts, strict=True):
        assert LIFTED.items() <= now.values.items()
        assert not LIFTED.keys() & before.values.keys()
