"""Real servers, and real consumers that never outlive their test."""

import sys
import tempfile

import pytest

from tests.consumers.running import Consumer
from tests.servers import client, own_redis, server, shared_server

__all__ = ["client", "own_redis", "server", "shared_server"]


@pytest.fixture
def consumer():
    """Start consumers: consumer(port, NAME=value)."""
    made = []
    # short, since a socket's path has room for 107 bytes
    with tempfile.TemporaryDirectory(prefix="q-") as folder:

        def start(port, **settings):
            made.append(Consumer(folder, port, **settings))
            return made[-1]

        yield start
        for each in made:
            each.close()
            sys.stdout.write(each.log.read_text())  # pytest shows it where the test failed
