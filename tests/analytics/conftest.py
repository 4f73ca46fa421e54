"""Real servers for the tests of this folder."""

from tests.consumers.conftest import consumer
from tests.servers import client, own_redis, server, shared_server

__all__ = ["client", "consumer", "own_redis", "server", "shared_server"]
