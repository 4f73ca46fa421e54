"""A Redis client whose bytes travel over a link to a host, so that Redis need not be open to us."""

from __future__ import annotations

import socket
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool
from redis.retry import Retry

from harness.errors import UnreachableError
from harness.links.link import Link
from harness.masking import Secret

#: One answer of Redis takes no longer, in seconds.
ANSWER_WITHIN_S = 20.0


class _Dialled(Connection):
    """redis-py's connection over a socket that the link gives."""

    def __init__(self, *, link: Link, **options: Any) -> None:
        self._link = link
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _connect(self) -> socket.socket:
        sock = self._link.dial(self.host, self.port)
        sock.settimeout(self.socket_timeout)
        return sock


def redis_through(
    connection: Link,
    host: str,
    port: int,
    db: int = 0,
    username: str = "",
    password: Secret | None = None,
) -> redis.Redis:
    """Return a client that has been answered once; nothing is retried behind the caller's back.

    `host` and `port` are as the far end of `connection` sees them. Raises UnreachableError when
    nothing listens there, the password is wrong, or it is no Redis.
    """
    pool = ConnectionPool(
        connection_class=_Dialled,
        link=connection,
        host=host,
        port=port,
        db=db,
        username=username or None,
        password=password.reveal_text() if password else None,
        socket_timeout=ANSWER_WITHIN_S,
        retry=Retry(NoBackoff(), 0),
    )
    client = redis.Redis(connection_pool=pool)
    try:
        client.ping()
    except redis.AuthenticationError as error:
        raise _refused(host, port, f"Redis refuses the login: {error}") from error
    except redis.RedisError as error:
        raise _refused(host, port, f"Redis does not answer: {error}") from error
    return client


def _refused(host: str, port: int, cause: str) -> UnreachableError:
    return UnreachableError(
        cause,
        step=f"talking to Redis at {host}:{port}",
        action="check redis_host, redis_port and redis_password in the inventory",
    )
