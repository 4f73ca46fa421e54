"""Real servers, and a simulated exchange whose time, and ours, only waiting moves."""

import pytest

from consumers.exchanges.opening import open_exchange
from fault_injection.exchange_simulator import Simulator
from tests.consumers.conftest import consumer
from tests.execution.desk import Clock
from tests.servers import client, own_redis, server, shared_server

__all__ = ["client", "consumer", "own_redis", "server", "shared_server"]

#: Long enough for a busy machine, in seconds.
PATIENT_S = 20.0


@pytest.fixture(scope="session")
def session_clock():
    return Clock()


@pytest.fixture
def clock(session_clock):
    session_clock.reset()
    return session_clock


@pytest.fixture(scope="session")
def shared_simulator(session_clock):
    with Simulator(now_ms=session_clock.now_ms) as made:
        yield made


@pytest.fixture
def simulator(shared_simulator, clock):
    shared_simulator.reset()
    yield shared_simulator
    shared_simulator.reset()


@pytest.fixture
def binance(simulator, clock):
    """The adapter, over real HTTP; one for all processes of a test."""
    return open_exchange(
        "binance_futures", mode="testnet", url=simulator.url, key=simulator.key,
        secret=simulator.secret, timeout_s=PATIENT_S, now_ms=clock.now_ms,
    )  # fmt: skip
