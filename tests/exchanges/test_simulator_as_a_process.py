"""The simulator as other processes see it: started by its module, steered over HTTP."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from consumers.exchanges import ClockSkew, OutcomeUnknown
from consumers.exchanges.opening import open_exchange
from fault_injection.exchange_simulator import Simulator
from tests.exchanges.conftest import PATIENT_S, entry, stop


@pytest.fixture(scope="module")
def url():
    command = [sys.executable, "-m", "fault_injection.exchange_simulator", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[3]
    finally:
        process.terminate()
        assert process.wait(PATIENT_S) in (0, -15)
        process.stdout.close()


def control(url, what, **words):
    data = json.dumps(words).encode() if words or what in ("release", "reset", "behave") else None
    request = urllib.request.Request(f"{url}/control/{what}", data)
    with urllib.request.urlopen(request, timeout=PATIENT_S) as answer:
        return json.load(answer)


@pytest.fixture
def exchange(url):
    control(url, "reset")
    keys = {"key": "simulated-key", "secret": "simulated-secret"}
    return open_exchange("binance_futures", mode="testnet", url=url, timeout_s=PATIENT_S, **keys)


def test_it_is_steered_and_read_over_http(url, exchange):
    control(url, "misbehave", name="late_request", skip=1)
    exchange.place(entry())
    with pytest.raises(OutcomeUnknown):
        exchange.place(entry("q-2"))
    assert set(control(url, "fills")) == {"q-1"}
    assert control(url, "release") == {"released": 1}
    assert control(url, "fills")["q-2"][0]["quantity"] == "0.010"
    calls = control(url, "log")["calls"]
    assert [call["client_order_id"] for call in calls] == ["q-1", "q-2"]
    assert [order["status"] for order in control(url, "orders")] == ["FILLED", "FILLED"]


def test_its_prices_and_its_clock_are_set_over_http(url, exchange):
    exchange.place(entry())
    exchange.place(stop())
    control(url, "price", symbol="BTCUSDT", price="58000")
    assert exchange.find("BTCUSDT", "q-1-sl").status == "FILLED"
    control(url, "clock", ahead_ms=3_600_000)
    with pytest.raises(ClockSkew):
        exchange.place(entry("q-2"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("misbehave", {"name": "sulking"}),
        ("misbehave", {"no_such": 1}),
        ("price", {"symbol": "NOSUCH", "price": "1"}),
        ("price", {"symbol": "BTCUSDT", "price": "much"}),
        ("trigger", {"client_order_id": "q-9"}),
    ],
)
def test_what_makes_no_sense_is_answered_400(url, exchange, name, words):
    with pytest.raises(urllib.error.HTTPError) as refused:
        control(url, name, **words)
    with refused.value as answer:
        assert answer.code == 400
        assert json.load(answer)["error"]


def test_whoever_is_woken_after_the_server_is_gone_is_left_alone():
    keys = {"key": "simulated-key", "secret": "simulated-secret"}
    with Simulator() as simulator:
        found = open_exchange(
            "binance_futures", mode="testnet", url=simulator.url, timeout_s=PATIENT_S, **keys
        )
        found.place(entry())
        calls = simulator._calls
    assert calls
    for call in calls:
        call.wake()
