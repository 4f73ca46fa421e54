"""Real servers, real routers that never outlive their test, and what a run notes."""

from tests.consumers.conftest import consumer
from tests.oracles.conftest import note
from tests.servers import client, own_redis, server, shared_server

__all__ = ["client", "consumer", "note", "own_redis", "server", "shared_server"]
