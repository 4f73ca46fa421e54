"""One simulator for all of these tests, forgetful between them, and adapters that talk to it."""

from decimal import Decimal

import pytest

from consumers.exchanges import Order
from consumers.exchanges.opening import open_exchange
from fault_injection.exchange_simulator import Simulator
from tests.exchanges.raw_server import RawServer
from tests.servers import started

#: Long enough for a busy machine, in seconds; short where the end of it is what is tested.
PATIENT_S, IMPATIENT_S = 20.0, 1.0


@pytest.fixture(scope="session")
def shared_simulator():
    with Simulator() as made:
        yield made


@pytest.fixture
def simulator(shared_simulator):
    shared_simulator.reset()
    yield shared_simulator
    shared_simulator.reset()


def adapter(simulator, **more):
    words = {
        "url": simulator.url,
        "key": simulator.key,
        "secret": simulator.secret,
        "timeout_s": PATIENT_S,
    }
    return open_exchange("binance_futures", mode="testnet", **(words | more))


@pytest.fixture
def binance(simulator):
    return adapter(simulator)


@pytest.fixture
def hasty(simulator):
    return adapter(simulator, timeout_s=IMPATIENT_S)


@pytest.fixture(scope="session")
def papers_redis():
    yield from started("embedded")


@pytest.fixture
def client(papers_redis):
    with papers_redis.client() as made:
        made.flushall()
        yield made


@pytest.fixture
def raw():
    """Start servers that answer with anything: raw(reply) -> (server, adapter)."""
    made = []

    def start(reply, timeout_s=PATIENT_S):
        made.append(RawServer(reply))
        exchange = open_exchange(
            "binance_futures", mode="testnet", url=made[-1].url, key="k", secret="s",
            timeout_s=timeout_s,
        )  # fmt: skip
        return made[-1], exchange

    yield start
    for each in made:
        each.close()


def entry(client_order_id="q-1", quantity="0.010", **more):
    words = {"symbol": "BTCUSDT", "side": "BUY", "reference_price": Decimal(60_000)} | more
    return Order(client_order_id=client_order_id, quantity=Decimal(quantity), **words)


def stop(client_order_id="q-1-sl", stop_price="59000", **more):
    words = {"side": "SELL", "kind": "STOP_MARKET", "reduce_only": True} | more
    return entry(client_order_id, stop_price=Decimal(stop_price), **words)
