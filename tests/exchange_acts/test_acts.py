"""An act is seen in the exchange's own record or not at all, and is gone when nothing is left."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from consumers.exchanges import ClockSkew, ExchangeError, OutcomeUnknown
from consumers.exchanges.opening import open_exchange
from fault_injection import exchange_acts
from fault_injection.exchange_acts.misbehave import WAYS
from fault_injection.exchange_simulator import steering
from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.keeping import address
from fault_injection.faults.fault import ACTS
from fault_injection.gathering.simulated import accepted
from harness.errors import QuantumError
from roles.execution import MADE_UP
from tests.exchanges.conftest import entry
from tests.waiting import until


def misbehave(url, *ways, on="entry", percent=100, seed=1):
    word = {"do": "misbehave", "ways": list(ways), "on": on, "percent": percent, "seed": seed}
    return exchange_acts.act(word, url)


def placed(exchange, name="q-1"):
    """Place an order, whatever comes of it."""
    with contextlib.suppress(ExchangeError):
        exchange.place(entry(name))


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_seen_and_goes(simulator, binance, way):
    doing = misbehave(simulator.url, way)
    doing.inject()
    assert doing.observed() == ""
    assert doing.gone() == ""
    if "query" in way:
        with pytest.raises(OutcomeUnknown):
            binance.find("BTCUSDT", "q-1")
    elif "no_answer" in way:
        impatient = open_exchange(
            "binance_futures", mode="testnet", url=simulator.url, timeout_s=0.2,
            key=simulator.key, secret=simulator.secret, now_ms=simulator.now_ms,
        )  # fmt: skip
        placed(impatient)
    else:
        placed(binance)
    assert doing.observed().startswith("1 of ")
    assert doing.gone() == ""
    doing.undo()
    until(doing.gone)
    doing.undo()
    assert doing.gone()
    placed(binance, "q-2")
    assert simulator.calls()[-1]["label"] == ""


def test_what_is_drawn_for_nobody_is_not_observed(simulator, binance):
    doing = misbehave(simulator.url, "too_small", percent=0)
    doing.inject()
    placed(binance)
    assert doing.observed() == ""


def test_two_acts_are_taken_back_each_by_itself(simulator, binance):
    one, other = (misbehave(simulator.url, "too_small", seed=seed) for seed in (1, 2))
    one.inject()
    other.inject()
    one.undo()
    assert one.gone()
    assert other.gone() == ""
    placed(binance)
    assert (one.observed(), other.observed()[:4]) == ("", "1 of")


def test_what_was_before_an_act_is_none_of_it(simulator, binance):
    simulator.misbehave("below_min_notional", label="too_small-1")
    placed(binance)
    doing = misbehave(simulator.url, "too_small")
    doing.inject()
    assert doing.observed() == ""


@pytest.mark.parametrize("ahead_ms", [8_000, -4_000])
def test_a_clock_that_runs_away_is_seen_by_whom_it_refuses(simulator, binance, ahead_ms):
    doing = exchange_acts.act({"do": "skew_clock", "ahead_ms": ahead_ms}, simulator.url)
    doing.inject()
    assert doing.observed() == doing.gone() == ""
    with pytest.raises(ClockSkew):
        binance.place(entry())
    assert doing.observed().endswith("calls were refused -1021")
    doing.undo()
    assert doing.gone()


def test_every_act_is_one_that_faults_know():
    assert set(exchange_acts.ACTS) < set(ACTS)
    assert exchange_acts.wanted([{"do": "burst"}, {"do": "skew_clock"}])
    assert not exchange_acts.wanted([{"do": "burst"}])
    with pytest.raises(KeyError):
        exchange_acts.act({"do": "burst"}, "")


def test_a_simulator_that_is_gone_says_so_to_a_person():
    with started() as url:
        steering.look(url, "plan")
        with pytest.raises(QuantumError, match="no such effect"):
            steering.change(url, "misbehave", effect="other")
    with pytest.raises(QuantumError, match=r"the simulated exchange at(.|\n)*next:"):
        steering.look(url, "plan")


def test_it_knows_the_keys_that_a_rehearsal_has_and_the_prices_it_is_given():
    with started({"BTCUSDT": 67_000.0}) as url:
        keys = {"key": MADE_UP["exchange_api_key"], "secret": MADE_UP["exchange_api_secret"]}
        exchange = open_exchange("binance_futures", mode="testnet", url=url, **keys)
        assert exchange.price("BTCUSDT") == 67_000
        assert exchange.place(entry()).status == "FILLED"


def test_it_does_not_outlive_whoever_started_it_and_what_it_knew_does(tmp_path):
    kept = tmp_path / "exchange"
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from fault_injection.exchange_simulator.child import started\n"
        "with started(keep=Path(sys.argv[1])) as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(600)\n"
    )
    words = [sys.executable, "-c", code, str(kept)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as parent:
        url = parent.stdout.readline().strip()
        keys = {"key": MADE_UP["exchange_api_key"], "secret": MADE_UP["exchange_api_secret"]}
        placed(open_exchange("binance_futures", mode="testnet", url=url, **keys))
        orders, log = steering.look(url, "orders"), steering.look(url, "log")
        os.kill(parent.pid, signal.SIGKILL)

    def gone():
        try:
            urllib.request.urlopen(f"{url}/control/plan", timeout=5).close()
        except OSError:
            return True
        return False

    until(gone, what="its end")
    assert steering.look(address(kept), "log") == log
    assert accepted(address(kept)) == orders
    assert [order["status"] for order in orders] == ["FILLED"]
    with started(keep=kept, again=url) as there_again:
        assert there_again == url
        assert steering.look(url, "log") == log
        assert steering.look(url, "orders") == orders
        back = open_exchange("binance_futures", mode="testnet", url=url, **keys)
        assert back.find("BTCUSDT", "q-1").status == "FILLED"
        assert back.position("BTCUSDT") == back.find("BTCUSDT", "q-1").filled
        assert [each["number"] for each in steering.look(url, "log")["calls"]][:2] == [1, 2]
        assert len(steering.look(url, "log", after=len(log["calls"]))["calls"]) > 0
