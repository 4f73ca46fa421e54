"""One clean run of the real services, which every test looks at and puts back."""

import tempfile

import pytest

from tests.consumers.conftest import consumer
from tests.consumers.running import Consumer
from tests.execution.conftest import (
    binance,
    clock,
    session_clock,
    shared_simulator,
    simulator,
)
from tests.gathering import running
from tests.servers import client, own_redis, server, shared_server, started

__all__ = ["binance", "client", "clock", "consumer", "own_redis", "server", "session_clock",
           "shared_server", "shared_simulator", "simulator"]  # fmt: skip


@pytest.fixture(scope="module")
def clean():
    """Return a server after a run, what was told of it, and how it began."""
    made = []
    with tempfile.TemporaryDirectory(prefix="q-") as folder:

        def start(port, **settings):
            made.append(Consumer(folder, port, **settings))
            return made[-1]

        for server in started("redis"):
            try:
                told, opened = running.run(server, start)
                # nobody shall answer to the edits
                assert [each.stop() for each in made] == [0, 0, 0]
                yield server, told, opened
            finally:
                for each in made:
                    each.close()
