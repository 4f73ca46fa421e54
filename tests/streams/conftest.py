"""Real servers for the tests of this folder."""

from tests.servers import client, own_redis, server, shared_server

__all__ = ["client", "own_redis", "server", "shared_server"]
