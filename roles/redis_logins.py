"""Which users a Redis has for the services of an inventory, and whether they are theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from harness.errors import ConfigurationError
from harness.host import Host
from harness.settings import address
from roles import redis_users
from roles.redis_users import Grant
from roles.stream_consumer import StreamConsumer


def users(host: Host) -> dict[str, tuple[Grant, ...]]:
    """Return service -> its grants, of every consumer there is, as this host names streams."""
    from roles import REGISTRY

    consumers = [role for role in REGISTRY.values() if isinstance(role, StreamConsumer)]
    return {role.service: role.grants(host) for role in consumers}


def refuse_strangers(hosts: Sequence[Host]) -> None:
    """Refuse where a service would find no user at its Redis, or one with rights to other keys.

    What a Redis host renders comes from its own variables, what a service uses from its host's.
    A Redis that is none of these hosts' is left to who keeps it. Raises ConfigurationError.
    """
    servers = [host for host in hosts if "redis_server" in host.roles]
    for host in filter(redis_users.wanted, hosts):
        for server in servers:
            if host is server or _place(host) == _place(server) is not None:
                _compare(host, server)


def _compare(host: Host, server: Host) -> None:
    from roles import of

    consumers = [role for role in of(host) if isinstance(role, StreamConsumer)]
    if consumers and not redis_users.wanted(server):
        _differ(host, server, redis_users.VARIABLE)
    for role in consumers:
        ours, theirs = (redis_users.names_of(each, role.own) for each in (host, server))
        for name, value in ours.items():
            if theirs[name] != value:
                _differ(host, server, name)


def _differ(host: Host, server: Host, name: str) -> NoReturn:
    raise ConfigurationError(
        f"{name} differs from what {server.name} has, whose Redis it uses under a user of its own",
        host=host.name, step="roles",
        action=f"set {name} for both in inventory {host.inventory}, under all: vars",
    )  # fmt: skip


def _place(host: Host) -> tuple[str, int] | None:
    """Return where the host's Redis is, None where it is whatever listens on the host itself."""
    found = address(host, "redis_host")
    return (found, host.number("redis_port", 6379)) if found else None
