"""A simulated exchange for what only an exchange visits, and processes that end with their test."""

import pytest

from fault_injection.exchange_simulator import Simulator
from tests.consumers.conftest import consumer
from tests.oracles.conftest import say
from tests.servers import own_redis

__all__ = ["consumer", "own_redis", "say"]


@pytest.fixture(scope="session")
def simulator():
    with Simulator() as made:
        yield made
