"""The Redis servers that the chosen hosts' execution uses, each reached once, through a host."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import redis

from commands.choosing import Chosen
from commands.scenes import open_redis
from commands.showing import Display
from harness.contact import Contact, reach_all
from harness.errors import ConfigurationError, InDoubtError, QuantumError
from harness.host import Host
from harness.settings import LOOPBACK_NAMES

ROLE = "execution"
LOOPBACKS = frozenset({*LOOPBACK_NAMES, "127.0.0.1", "::1"})

T = TypeVar("T")


def executors(chosen: Chosen, *, leaving: bool = False) -> tuple[Host, ...]:
    """Return the hosts that run execution. Raises ConfigurationError where there is none.

    With `leaving` those too where it is to go: until it has gone, it may trade.
    """
    found = tuple(
        host for host in chosen.hosts
        if ROLE in host.roles or (leaving and ROLE in host.absent)
    )  # fmt: skip
    if not found:
        raise ConfigurationError(
            f"no host of inventory {chosen.inventory.name} that you chose has the role {ROLE}",
            step=ROLE, action="invoke inventory.show: it lists the hosts' roles",
        )  # fmt: skip
    return found


def store_of(host: Host) -> tuple[str, int, int]:
    """Return which Redis a host's services use; loopback is another one on each host."""
    name = host.text("redis_host", "localhost")
    return (
        host.name if name in LOOPBACKS else name,
        host.number("redis_port", 6379),
        host.number("redis_db", 0),
    )


@contextlib.contextmanager
def each_store(chosen: Chosen, display: Display) -> Iterator[list[Contact]]:
    """Yield one contact for each Redis."""
    first: dict[tuple[str, int, int], Host] = {}
    for host in executors(chosen):
        first.setdefault(store_of(host), host)
    with reach_all(tuple(first.values()), display) as contacts:
        yield contacts


def asked(contact: Contact, what: Callable[[redis.Redis], T], step: str, *, changes: bool) -> T:
    """Return what Redis answers; its errors become one line that says what may have happened."""
    name = contact.host.name
    try:
        with open_redis(contact) as client:
            return what(client)
    except QuantumError as error:  # nothing was asked yet
        raise error.at(host=name, step=step) from None
    except (redis.RedisError, OSError) as error:
        refused = isinstance(error, redis.ResponseError)
        kind: type[QuantumError] = InDoubtError if changes and not refused else QuantumError
        raise kind(
            f"Redis at {contact.host.text('redis_host', 'localhost')}: {error}",
            host=name, step=step,
            action="look at it with invoke consumers.logs, then do the same again: it is safe",
        ) from None  # fmt: skip
