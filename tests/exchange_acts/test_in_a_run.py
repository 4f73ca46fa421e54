"""What the runner makes of the simulated exchange: started where it is wanted, read in the end."""

import dataclasses

import pytest

from commands import fault_exchange
from commands.choosing import Chosen
from commands.fault_system import places
from fault_injection import scenarios
from fault_injection.exchange_simulator import keeping, steering
from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.exchange import SimulatedExchange
from fault_injection.faults.fault import EXECUTION, REDIS, ROUTER
from fault_injection.history import happenings as h
from fault_injection.runs import ending, flows
from fault_injection.schedules import draw
from harness.errors import QuantumError
from harness.inventory import load
from roles.execution import rehearsing
from streams.intents import client_order_id
from tests.exchanges.signing import Caller
from tests.faults.aims import sandbox
from tests.gathering.running import PLACES

URL = "http://127.0.0.1:9911"
INVENTORY = """
all:
  vars: {{mode: sandbox, roles: [strategy_router, execution], records: {folder}/records}}
  hosts: {{box: {{ansible_connection: local, sandbox_root: box}}}}
"""


@pytest.fixture
def chosen(tmp_path):
    path = tmp_path / "box.yml"
    path.write_text(INVENTORY.format(folder=tmp_path))
    inventory = load(str(path))
    return Chosen(inventory, inventory.hosts)


def schedule(name):
    return draw(1, [scenarios.REGISTRY[name]], sandbox(), 5)


def test_it_is_started_for_a_schedule_that_breaks_it_and_for_no_other(tmp_path):
    with fault_exchange.of_run(tmp_path, schedule("redis_killed")) as url:
        assert url == ""
    assert fault_exchange.afterwards(tmp_path) == ""
    with fault_exchange.of_run(tmp_path, schedule("exchange_overloaded")) as url:
        assert steering.look(url, "orders") == []
    # a run that was cut off is read as it would have been
    assert steering.look(fault_exchange.afterwards(tmp_path), "log") == {"calls": []}


def test_what_an_earlier_one_knew_is_none_of_a_runs(tmp_path):
    keeping.keep(SimulatedExchange(), tmp_path / fault_exchange.FOLDER)
    steering.look(fault_exchange.afterwards(tmp_path), "log")
    broken = schedule("exchange_overloaded")
    with fault_exchange.of_run(tmp_path, broken), pytest.raises(QuantumError):
        steering.look(fault_exchange.afterwards(tmp_path), "log")


def test_whoever_finishes_a_run_has_its_exchange_back_where_it_was(tmp_path):
    with fault_exchange.of_run(tmp_path, schedule("exchange_overloaded")) as url:
        pass
    with fault_exchange.again(tmp_path, url) as said:
        assert said == ""
        assert steering.look(url, "orders") == []
    with fault_exchange.again(tmp_path, "") as said:  # its hosts were put back already
        assert said == fault_exchange.afterwards(tmp_path)


def test_where_it_cannot_be_back_what_is_kept_of_it_is_asked(tmp_path):
    with fault_exchange.of_run(tmp_path, schedule("exchange_overloaded")) as url:
        pass
    with started() as taken, fault_exchange.again(tmp_path, taken) as said:
        assert said == fault_exchange.afterwards(tmp_path)
        assert steering.look(said, "orders") == []
    assert url != taken


def test_the_services_places_say_where_they_trade(chosen):
    there = [rehearsing(host, URL) for host in chosen.hosts]
    assert {each.exchange for each in places(there)} == {URL}
    assert {each.exchange for each in places(chosen.hosts)} == {""}
    assert {each.exchange for each in places(there, "file:///kept")} == {"file:///kept"}


def test_calls_are_promised_of_who_asks_the_exchange_alone():
    there = [dataclasses.replace(each, exchange=URL) for each in PLACES]
    assert {line.flow for line in flows.flow_lines(there) if h.CALLS in line.evidence} == {
        EXECUTION
    }
    assert not any(h.CALLS in line.evidence for line in flows.flow_lines(PLACES))


def test_its_record_is_told_with_what_was_gathered(tmp_path):
    exchange = SimulatedExchange()
    Caller(exchange).market(client_order_id("t1"))
    keeping.keep(exchange, tmp_path)
    at = keeping.address(tmp_path)
    entry = h.Produced(stream="s", entry="1-1", identity="t1")
    by_flow = {each.flow: dataclasses.replace(each, exchange=at) for each in PLACES}
    (call,) = ending._called(by_flow[EXECUTION], [entry])
    assert (call.flow, call.identity, call.verb) == (EXECUTION, "t1", h.SUBMIT)
    assert list(ending._called(by_flow[ROUTER], [entry])) == []
    assert REDIS not in by_flow
