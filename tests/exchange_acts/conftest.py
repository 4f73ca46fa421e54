"""A Redis, a simulated exchange as the child it is in a run, and a real executor on it."""

from tests.consumers.conftest import consumer
from tests.execution.conftest import (
    binance,
    clock,
    session_clock,
    shared_simulator,
    simulator,
)
from tests.servers import client, own_redis, server, shared_server

__all__ = ["binance", "client", "clock", "consumer", "own_redis", "server", "session_clock",
           "shared_server", "shared_simulator", "simulator"]  # fmt: skip
