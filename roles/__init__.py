"""What a host should be: one role per file, listed here by hand in the order they must hold in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from harness.errors import ConfigurationError
from harness.host import Host
from harness.resources import Absent, Resource, Unit
from harness.suggestions import did_you_mean
from roles import decision_intelligence, execution, redis_server, strategy_router


class Role(Protocol):
    """What a role offers: a module, or a StreamConsumer."""

    @property
    def PROOFS(self) -> tuple[str, ...]:  # noqa: N802 - a constant of a module
        """The claims about a host that has the role."""

    @property
    def GATE(self) -> tuple[str, ...]:  # noqa: N802
        """The claims that must be proved before a deploy is committed."""

    @property
    def SERVICES(self) -> tuple[str, ...]:  # noqa: N802
        """The short names of its services, as `--only` takes them."""

    @property
    def READS(self) -> tuple[str, ...]:  # noqa: N802
        """The variables that name its stream and its group; () where it reads none."""

    @property
    def VARIABLES(self) -> Mapping[str, object]:  # noqa: N802
        """The variables it reads, with what they are unless the inventory says otherwise."""

    def resources(self, host: Host) -> Iterator[Resource]:
        """Yield what must hold on `host`, in the order it must come to hold."""


#: In the order in which they must come to hold on a host that has several.
REGISTRY: Mapping[str, Role] = {
    "redis_server": redis_server,
    "decision_intelligence": decision_intelligence.ROLE,
    "strategy_router": strategy_router.ROLE,
    "execution": execution.ROLE,
}


def of(host: Host) -> list[Role]:
    """Return the host's roles in the registry's order. Raises ConfigurationError."""
    for name in host.roles:
        if name not in REGISTRY:
            raise ConfigurationError(
                f'there is no role "{name}"{did_you_mean(name, REGISTRY)}',
                host=host.name,
                step="roles",
                action=f"correct `roles` in inventory {host.inventory}",
            )
    return [role for name, role in REGISTRY.items() if name in host.roles]


def resources(host: Host) -> list[Resource]:
    """Return what must hold on the host, and which services must be absent.

    Raises ConfigurationError.
    """
    found = [each for role in of(host) for each in role.resources(host)]
    gone = [REGISTRY[name] for name in host.absent if name in REGISTRY]
    return [*found, *(Absent(service) for role in gone for service in role.SERVICES)]


def units(role: Role, host: Host) -> tuple[str, ...]:
    """Return the names of the units that a role has on a host. Raises ConfigurationError."""
    return tuple(each.name for each in role.resources(host) if isinstance(each, Unit))


def variables() -> frozenset[str]:
    """Return every variable that some role understands."""
    return frozenset(name for role in REGISTRY.values() for name in role.VARIABLES)
