"""Trading switched on and off around everything that can go wrong, on paper in a sandbox.

A sandbox never trades, so the one guard that says so is taken away here: `rehearsing` stands in for
`trading`. All else is the real thing: deploys, gates, processes, Redis.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from commands import disabling, enabling, proving
from commands import rehearsing as rehearsals
from commands.choosing import Chosen, choose
from commands.showing import Display
from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.steering import look
from harness.contact import reach
from harness.errors import LockedError, QuantumError, UnreachableError
from harness.sandbox.host import shut_down
from proofs.finding import Finding
from roles.execution import rehearsing
from streams import intents, keys
from tests.e2e.conftest import INVENTORY, PROJECT, Person, free_port
from tests.e2e.test_handling_consumers import store
from tests.waiting import until

ENV = "etc/quantum/execution.env"
#: Nobody waits a minute for what is not to come up.
READY_WITHIN = "          ready_within_s: 20\n"
ANALYTICS = "quantum-p35-decision-intelligence.service"


class Trader:
    """A person at a sandbox on which everything is deployed."""

    def __init__(self, person, database: int = 0) -> None:
        self.person = person
        self.client = store(person, database)
        self.before = 0  #: records that are not of this test

    @property
    def chosen(self) -> Chosen:
        return choose(None, str(self.person.inventory), "")

    def enables(self) -> dict:
        return enabling.carry_out(self.chosen, Display(quiet=True), typed="box")

    def disables(self) -> dict:
        return disabling.carry_out(self.chosen, Display(quiet=True), why="a test")

    def intends(self) -> tuple[str, str]:
        """Send an intent and return how it ended and why."""
        trace = f"i-{time.time_ns()}"
        payload = {"symbol": "BTCUSDT", "side": "BUY", "quantity": 0.01, "entry_price": 60_000}
        words = {"trace_id": trace, "payload": json.dumps(payload), "timestamp": str(time.time())}
        self.client.xadd("quantum:stream:trade.intent", words)
        key = intents.record(trace)
        until(lambda: self.client.hget(key, "state") in intents.TERMINAL, what=f"an end of {trace}")
        state, reason = self.client.hmget(key, "state", "reason")
        return state, (reason or "").partition(":")[0]

    @property
    def is_open(self) -> bool:
        return "TRADING_ENABLED=true" in (self.person.root / ENV).read_text()

    @property
    def switch(self) -> dict:
        return json.loads(self.client.get(intents.KILL_SWITCH) or "{}")

    def records(self) -> list[str]:
        lines = (self.person.folder / "records/ledger.jsonl").read_text().splitlines()
        told = [each["outcome"] for each in map(json.loads, lines) if each["kind"] == "trading"]
        return told[self.before :]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trading")
    (folder / "redis_password").touch(mode=0o600)
    (folder / "redis_password").write_text("correct-horse-battery")
    inventory = folder / "box.yml"
    inventory.write_text(INVENTORY.format(port=free_port(), folder=folder) + READY_WITHIN)
    person = Person(inventory)
    person.types("deploy")
    yield person
    for host in choose(None, str(inventory), "").hosts:
        shut_down(host)


@pytest.fixture
def trader(deployed, monkeypatch) -> Trader:
    """As after a deploy: shut, everything running, no record of trading."""
    monkeypatch.setattr(enabling, "trading", rehearsing)
    trader = Trader(deployed)
    if trader.is_open:
        trader.disables()
    deployed.types("consumers.start")
    trader.client.delete(intents.KILL_SWITCH)
    trader.before = len(trader.records())
    return trader


def at_the_gate(monkeypatch, look, claims=None):
    """Do something while the deploy's gate is looking, and perhaps judge in its place."""
    prove = proving.prove

    def gated(*args, **options):
        found = prove(*args, **options)
        look()
        return found if claims is None else claims(found)

    monkeypatch.setattr(proving, "prove", lambda *a, gate=False, **o: (
        gated(*a, gate=True, **o) if gate else prove(*a, **o)
    ))  # fmt: skip


def test_nothing_trades_before_the_gate_has_passed_and_everything_after(trader, monkeypatch):
    seen = []
    at_the_gate(monkeypatch, lambda: seen.append((trader.is_open, trader.switch, trader.intends())))
    assert trader.intends() == ("DRAINED", "safe_drain")
    assert trader.enables()["trading"] == "on"
    ((was_open, held, early),) = seen
    assert was_open
    assert "until its gate has passed" in held["why"]
    assert early == ("REJECTED", "kill_switch")
    assert trader.switch == {}
    assert trader.intends() == ("FILLED", "")
    assert trader.records() == ["enabled"]

    said = trader.disables()
    assert (said["exit_code"], said["may_still_trade"]) == (0, [])
    assert trader.switch["why"] == "a test"
    assert not trader.is_open
    assert trader.intends() == ("DRAINED", "safe_drain")
    # shut to the byte as any deploy renders it
    assert trader.person.asks("plan")["changes"] == 0
    assert trader.person.asks("drift")["hosts"] == {"box": []}
    assert trader.disables()["hosts"]["box"] == {"kill_switch": "set", "gates": "shut (unchanged)"}
    assert trader.records() == ["enabled", "disabled", "disabled"]
    trader.person.types("ledger.verify")


def test_who_stops_trading_while_it_is_enabled_has_the_last_word(trader, monkeypatch):
    words = json.dumps({"who": "bob", "when": "now", "why": "stop"})
    at_the_gate(monkeypatch, lambda: trader.client.set(intents.KILL_SWITCH, words))
    with pytest.raises(QuantumError, match="somebody has thrown the kill switch meanwhile"):
        trader.enables()
    assert trader.switch["who"] == "bob"
    assert trader.intends() == ("REJECTED", "kill_switch")
    assert trader.records() == ["enabled", "failed"]


def test_a_gate_that_refuses_leaves_trading_off(trader, monkeypatch):
    def refuted(claims):
        wrong = replace(claims[0].result, finding=Finding.refuted("because"))
        return [replace(claims[0], result=wrong), *claims[1:]]

    at_the_gate(monkeypatch, lambda: None, refuted)
    said = trader.enables()
    assert (said["trading"], said["exit_code"]) == ("off", 1)
    assert not trader.is_open
    assert trader.intends() == ("DRAINED", "safe_drain")
    assert trader.records() == ["rolled_back"]


def test_who_is_left_out_and_held_back_by_the_kill_switch_is_not_let_loose(trader):
    trader.client.set(intents.KILL_SWITCH, "{}")
    trader.client.hset(intents.standing("other-1"), mapping={"trading": "ON"})
    group = intents.GROUP_EXECUTION
    trader.client.set(keys.heartbeat(group, "other-1"), "alive")
    with pytest.raises(QuantumError, match="holds back other-1, too"):
        trader.enables()
    assert not trader.is_open
    trader.client.delete(keys.heartbeat(group, "other-1"))
    assert trader.enables()["trading"] == "on"


def test_off_is_off_with_red_proofs_drift_and_a_release_that_was_never_deployed(trader):
    trader.enables()
    env = trader.person.root / ENV
    env.write_text(env.read_text() + "LOG_LEVEL=DEBUG\n")
    trader.person.types("consumers.stop", "--only", "p35-decision-intelligence")
    said = trader.disables()
    assert (said["exit_code"], said["hosts"]["box"]["gates"]) == (0, "shut (committed)")
    assert trader.intends() == ("DRAINED", "safe_drain")
    # nothing else was touched, not even what was stopped by hand
    drifted = trader.person.asks("drift", code=2)["hosts"]["box"]
    assert [each["path"] for each in drifted] == [ANALYTICS]


def test_gates_are_shut_although_redis_is_gone(trader):
    trader.enables()
    redis_server(trader, "stop")
    try:
        said = trader.disables()
    finally:
        redis_server(trader, "start")
    assert said["may_still_trade"] == []
    assert said["exit_code"] == 1
    told = said["hosts"]["box"]["kill_switch"]
    assert "Redis" in told or "connection refused" in told
    assert said["hosts"]["box"]["gates"].startswith("shut (committed")
    assert not trader.is_open
    assert trader.intends() == ("DRAINED", "safe_drain")


def test_a_host_that_somebody_deploys_to_is_stopped_by_the_kill_switch_and_says_so(trader):
    trader.enables()
    contact = reach(trader.chosen.hosts[0], lambda *_: None)
    try:
        contact.session.apply("t-1", kind="deploy", meta={"operator": "bob"}, steps=[], blobs={})
        said = trader.disables()
    finally:
        contact.close()
    assert (said["exit_code"], said["may_still_trade"]) == (1, [])
    assert "bob" in said["hosts"]["box"]["gates"]
    assert trader.intends() == ("REJECTED", "kill_switch")


def test_a_host_that_is_not_reached_may_still_trade(trader, monkeypatch):
    trader.enables()

    def unreachable(host, _):
        raise UnreachableError("no route", host=host.name, step="connecting")

    monkeypatch.setattr(disabling, "reach", unreachable)
    said = trader.disables()
    assert (said["exit_code"], said["may_still_trade"]) == (2, ["box"])
    assert "no route" in said["hosts"]["box"]["gates"]
    assert trader.records() == ["enabled", "in_doubt"]


def redis_server(trader, verb):
    contact = reach(trader.chosen.hosts[0], lambda *_: None)
    try:
        contact.session.operate(verb, ["redis-server.service"], meta={}, wait_s=30)
    finally:
        contact.close()


#: A run that says when it has begun, and then only waits.
RUN = """
import sys, time
from commands import rehearsing
from commands.choosing import choose
from commands.showing import Display

with rehearsing.rehearsal(choose(None, sys.argv[1], ""), Display(quiet=True), sys.argv[2]):
    print("begun", flush=True)
    time.sleep(600)
"""


def test_a_run_that_dies_amid_its_own_deploy_is_put_back_before_anybody_says_so(trader):
    path, quiet = trader.person.root / ENV, Display(quiet=True)
    before = path.read_text()
    words = [sys.executable, "-c", RUN, str(trader.person.inventory), ""]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.DEVNULL) as run:
        try:
            until(lambda: path.read_text() != before, 120, "the rehearsal's env file")
        finally:
            run.kill()
    assert rehearsals.put_back(trader.chosen, quiet)
    assert path.read_text() == before
    assert trader.person.asks("plan")["changes"] == 0
    assert trader.intends() == ("DRAINED", "safe_drain")


def test_a_run_trades_at_the_simulated_exchange_until_another_process_puts_it_back(trader):
    path, chosen = trader.person.root / ENV, trader.chosen
    before, quiet = path.read_text(), Display(quiet=True)
    with started() as url:
        words = [sys.executable, "-c", RUN, str(trader.person.inventory), url]
        with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout.readline() == "begun\n"
            assert f"EXCHANGE_URL={url}" in path.read_text()
            try:
                assert Trader(trader.person, rehearsals.EXCHANGE_DB).intends() == ("FILLED", "")
            except BaseException:
                run.kill()
                raise
            (order,) = look(url, "orders")
            assert order["symbol"] == "BTCUSDT"
            with pytest.raises(LockedError):
                rehearsals.put_back(chosen, quiet)
            os.kill(run.pid, signal.SIGKILL)
    assert rehearsals.left(chosen).exchange_url == url
    assert rehearsals.put_back(chosen, quiet)
    assert path.read_text() == before
    assert not list(path.parent.glob("credentials/execution/exchange_*"))
    assert not rehearsals.put_back(chosen, quiet)
    assert trader.intends() == ("DRAINED", "safe_drain")
