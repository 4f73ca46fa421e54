"""Run Debian's Redis as the one store of streams: append-only, a password, no eviction."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from harness.host import Host
from harness.resources import Package, Resource, Template, Unit
from harness.settings import address, matches, refuse, secret, settings
from roles import redis_logins, redis_users

SERVICE = "redis-server"
CONFIG = "/etc/redis/redis.conf"
NEWEST_DATA = "/etc/quantum/redis/newest-data.sh"

PROOFS = ("running_what_was_deployed", "stays_up", "confined")
GATE = ("running_what_was_deployed", "stays_up")
SERVICES = (SERVICE,)
READS: tuple[str, ...] = ()
VARIABLES: Mapping[str, object] = {
    "redis_host": "localhost",  #: where services find it; it listens there beside loopback
    "redis_port": 6379,
    "redis_password": None,
    "redis_bind": "",  #: addresses to listen on instead, separated by blanks
    redis_users.VARIABLE: False,  #: a user of its own for each service
    "redis_maxmemory": "0",  #: e.g. 512mb; 0: as much as there is
}
_PORTS = range(1, 65_536)


def resources(host: Host) -> Iterator[Resource]:
    """Yield what must hold on `host`, in the order it must come to hold."""
    values = settings(host, VARIABLES)
    if values["redis_port"] not in _PORTS:
        refuse(host, "redis_port", "must be a port from 1 to 65535")
    matches(
        host, "redis_maxmemory", values["redis_maxmemory"], r"[0-9]+([kmg]b?)?", "a size like 512mb"
    )
    password = secret(host, "redis_password")
    users = redis_logins.users(host) if redis_users.wanted(host) else {}
    values |= {"redis_users": redis_users.lines(password, users), "redis_bind": _bind(host)}
    del values["redis_password"]
    yield Package("redis-server")
    yield Template(
        "redis/redis.conf.j2", CONFIG, mode=0o640, owner="redis", group="redis", secret=True,
        extra=values,
    )  # fmt: skip
    yield Template("redis/newest-data.sh.j2", NEWEST_DATA, mode=0o755)
    yield Unit(
        "redis-server.service",
        template="units/redis-server.conf.j2",
        service=SERVICE,
        vendor=True,
        follows=(CONFIG,),
        extra={"newest_data": NEWEST_DATA},
    )


def _bind(host: Host) -> str:
    """Return the addresses to listen on; "-" marks one that may be missing on the host."""
    if given := host.text("redis_bind"):
        for each in given.split():
            try:
                ipaddress.ip_address(each.removeprefix("-"))
            except ValueError:
                refuse(host, "redis_bind", f"must be IP addresses: {each!r} is none")
        return " ".join(given.split())
    named = address(host, "redis_host")
    return f"127.0.0.1 -::1 {named}".strip()
