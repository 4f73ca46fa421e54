"""A run on a sandbox trades at the simulated exchange; what its death leaves, another one ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from commands import rehearsing
from commands.choosing import choose
from commands.showing import Display
from fault_injection.exchange_simulator.child import started
from fault_injection.exchange_simulator.steering import look
from harness.errors import LockedError
from streams import intents
from tests.e2e.conftest import PROJECT
from tests.e2e.test_handling_consumers import store
from tests.waiting import until

QUIET = Display(quiet=True)
ENV = "etc/quantum/execution.env"
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


def test_it_trades_there_until_it_is_put_back_from_another_process(person):
    text = person.inventory.read_text()
    person.inventory.write_text(text.replace("decision_intelligence, strategy_router, ", ""))
    person.types("deploy")
    plain = (person.root / ENV).read_text()
    chosen = choose(None, str(person.inventory), "")
    client = store(person)
    with started() as url:
        words = [sys.executable, "-c", RUN, str(person.inventory), url]
        with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
            assert run.stdout.readline() == "begun\n"
            assert f"EXCHANGE_URL={url}" in (person.root / ENV).read_text()
            client.xadd(intents.STREAM_TRADE_INTENT, {
                "trace_id": "t1", "symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01",
                "price": "60000", "timestamp": f"{time.time():.3f}",
            })  # fmt: skip
            until(lambda: client.hget(intents.record("t1"), "state") == "FILLED", what="the order")
            (order,) = look(url, "orders")
            assert order["client_order_id"] == intents.client_order_id("t1")
            with pytest.raises(LockedError):
                rehearsing.put_back(chosen, QUIET)
            os.kill(run.pid, signal.SIGKILL)
    assert rehearsing.left(chosen).exchange_url == url
    assert rehearsing.put_back(chosen, QUIET)
    assert (person.root / ENV).read_text() == plain
    assert not list((person.root / "etc/quantum/credentials/execution").glob("exchange_*"))
    assert not rehearsing.put_back(chosen, QUIET)
