"""Real servers, fleets of real consumers that never outlive their test, and what a run notes."""

import sys
import tempfile

import pytest

from tests.consumers.conftest import consumer
from tests.oracles.fleet import Fleet
from tests.oracles.scale import SOAK
from tests.oracles.traffic import Feeder
from tests.servers import client, old_redis, own_redis, server, shared_server

__all__ = ["client", "consumer", "old_redis", "own_redis", "server", "shared_server"]


@pytest.fixture
def fleet(server):
    """Start a fleet: fleet(names=..., module=..., NAME=value)."""
    made = []
    # short, since a socket's path has room for 107 bytes
    with tempfile.TemporaryDirectory(prefix="q-") as folder:

        def start(**settings):
            made.append(Fleet(folder, server, **settings))
            return made[-1]

        yield start
        for each in made:
            each.close()
        if made and not SOAK:
            sys.stdout.write(made[-1].logs())  # pytest shows it where the test failed


@pytest.fixture
def produce(server):
    """Make feeders that never outlive their test: produce(seed, count)."""
    made = []

    def make(seed, count):
        made.append(Feeder(server, seed, count))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def note(request, server):
    """Keep numbers of a run for its record: note(seed=7, entries=40_000)."""
    version = server.version()

    def keep(**numbers):
        request.node.user_properties += numbers.items()

    keep(server=version)
    return keep


@pytest.fixture
def say(capsys):
    """Show how far a long run is: say("round 20")."""

    def show(text):
        if SOAK:
            with capsys.disabled():
                sys.stdout.write(f"{text}\n")

    return show
