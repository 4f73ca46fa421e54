"""What of an inventory's hosts faults can be aimed at, by what is known before anybody is reached.

The host itself has the last word: each step is refused there as well, before anything is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from fault_injection.faults.fault import NEEDS, REDIS, Target
from fault_injection.scenarios.scenario import Scenario
from fault_injection.schedules import obstacles
from harness.fault_requests import BREAKABLE, PASSWORD_FILE
from harness.host import Host
from harness.inventory import Inventory

#: Where a directory stands for the host: its network, mounts and users are the laptop's.
OF_A_REAL_HOST = frozenset({"own network", "own mounts", "own users", "own sshd"})


@dataclass(frozen=True, slots=True)
class Against:
    """An inventory, and why its scenarios cannot run on it."""

    inventory: str
    mode: str
    refused: str  #: why nothing at all can run; "" otherwise
    targets: tuple[Target, ...]

    @classmethod
    def of(cls, inventory: Inventory, hosts: Sequence[Host] = ()) -> Against:
        """Return what can be told of an inventory, or of some of its hosts."""
        refused = "" if inventory.mode in BREAKABLE else (
            f"mode {inventory.mode}: faults are for {' and '.join(sorted(BREAKABLE))} alone"
        )  # fmt: skip
        return cls(
            inventory.name, inventory.mode, refused, tuple(targets(hosts or inventory.hosts))
        )

    def obstacles(self, scenario: Scenario) -> tuple[str, ...]:
        """Return why a scenario cannot run, () when it can."""
        return (self.refused,) if self.refused else obstacles(scenario, self.targets)


def targets(hosts: Sequence[Host]) -> Iterator[Target]:
    """Yield every unit of these hosts that a fault can be aimed at. Raises ConfigurationError."""
    import roles
    from roles import redis_logins, redis_users
    from roles.stream_consumer import StreamConsumer

    for host in hosts:
        lacks = OF_A_REAL_HOST if host.sandbox else frozenset({"simulated exchange"})
        if host.mode != "sandbox":
            lacks |= {"simulated exchange"}
        redis_host = host.text("redis_host", "localhost")
        if not _is_address(redis_host):
            lacks |= {"redis by address"}
        wanted = redis_users.wanted(host)
        users = tuple(sorted(redis_logins.users(host))) if wanted else ()
        if not users:
            lacks |= {"redis users"}
        password_file = PASSWORD_FILE if keeps_password(host) else ""
        if "redis_password" in host.values and not password_file:
            lacks |= {"redis settings"}
        for role in roles.of(host):
            named: dict[str, str] = {}
            units: tuple[str, ...] = ("redis-server.service",)
            if isinstance(role, StreamConsumer):
                named, units = redis_users.names_of(host, role.own), role.units(host)
            stream, group = (named[each] for each in role.READS) if role.READS else ("", "")
            for unit in units:
                yield Target(
                    host=host.name, service=role.SERVICES[0], unit=unit, stream=stream,
                    group=group, redis_host=redis_host,
                    redis_port=host.number("redis_port", 6379), ssh_port=host.port,
                    redis_users=users if role.SERVICES[0] == REDIS else (),
                    password_file=password_file,
                    can=tuple(sorted(NEEDS.keys() - lacks)),
                )  # fmt: skip


def keeps_password(host: Host) -> bool:
    """Tell whether faults.allow lays the password of this host's own Redis down there.

    It is the one of the user `default`, who keeps every right also where services have users of
    their own. A host whose services use another one's Redis gets no password.
    """
    return "redis_server" in host.roles and "redis_password" in host.values


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
