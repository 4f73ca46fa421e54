"""Connect to Redis so that no command is ever sent twice behind our back."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,  # noqa: A004  redis-py's own, which is no OSError
    ResponseError,
    TimeoutError,  # noqa: A004
)
from redis.retry import Retry

from consumers.loop.failing import StartError
from consumers.loop.notifying import Notifier
from consumers.loop.settings import Settings
from consumers.loop.stopping import Stop

#: How long a read on an empty stream waits, in milliseconds; a stop is heard after so long.
BLOCK_MS = 500
#: When an answer counts as lost, in seconds: well above BLOCK_MS.
ANSWER_WITHIN_S = 5.0
CONNECT_WITHIN_S = 3.0
#: How much is taken from the socket at once, in bytes: most of a batch.
READ_BYTES = 262_144
#: Waits between attempts double from the first to the last, in seconds.
FIRST_WAIT_S, LAST_WAIT_S = 0.05, 2.0
#: How long a refused login is tried again, in seconds: a password that is rotated on several hosts
#: reaches Redis a moment later than some of its clients.
LOGIN_WITHIN_S = 15.0
OLDEST = (7, 0)

#: What a server says to a client that may not come in, by whatever class of error.
REFUSED = re.compile("NOAUTH|NOPERM|WRONGPASS|Authentication")

#: After these nobody knows whether the command was carried out.
LINK_ERRORS = (ConnectionError, TimeoutError)


def client(settings: Settings) -> Any:
    """Return a client that has not connected yet."""
    made = redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        db=settings.redis_db,
        username=settings.redis_username or None,
        password=settings.redis_password or None,
        protocol=2,
        decode_responses=True,
        # whatever bytes a producer sends, reading them never fails
        encoding_errors="replace",
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_keepalive=True,
        socket_read_size=READ_BYTES,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        # it is nobody's need, and a command more that a user of Redis would have to be granted
        driver_info=None,
        client_name=settings.consumer_name if settings.consumer_name.isascii() else None,
    )
    # pairs as they come: a dict for each entry is made once, where it is needed
    made.set_response_callback("XREADGROUP", lambda answer, **_: answer)
    return made


def connect(settings: Settings, stop: Stop, notifier: Notifier, log: Any) -> Any | None:
    """Return a client whose Redis answers; None where we were asked to stop meanwhile.

    Raises StartError for a Redis that will not do: too old, or it goes on refusing us.
    """
    give_up_at = time.monotonic() + LOGIN_WITHIN_S
    made = client(settings)
    where = f"{settings.redis_host}:{settings.redis_port}"
    for wait_s in waits():
        if stop:
            return None
        try:
            refuse_old(made.execute_command("INFO", "server"))
        except (*LINK_ERRORS, ResponseError) as error:
            refused = isinstance(error, AuthenticationError) or REFUSED.search(str(error))
            if refused and time.monotonic() >= give_up_at:
                raise StartError(f"Redis at {where} refuses the login: {error}") from error
            said = "refuses the login" if refused else "does not answer"
            log.warning(
                "waiting for redis",
                it=said,
                at=where,
                cause=str(error),
                again_in_s=round(wait_s, 2),
            )
            notifier.status(f"waiting for Redis at {where}: it {said}")
            stop.wait(wait_s)
        else:
            return made
    raise AssertionError("the waits never end")


def refuse_old(info: Any) -> None:
    """Raise StartError for a server without what the scripts need."""
    version = str(info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < OLDEST:
        raise StartError(f"Redis {version} is too old: Redis 7.0 or newer, or Valkey, is needed")


def waits(chance: random.Random | None = None) -> Iterator[float]:
    """Yield how long to wait after each failure in a row, in seconds, with jitter, for ever."""
    spread = (chance or random.Random()).uniform  # noqa: S311  spreads load, hides nothing
    wait_s = FIRST_WAIT_S
    while True:
        yield spread(wait_s / 2, wait_s)
        wait_s = min(2 * wait_s, LAST_WAIT_S)
