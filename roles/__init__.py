"""What a host should be: one role per file, listed here by hand in the order they must hold in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from harness.errors import ConfigurationError
from harness.host import Host
from harness.resources import Resource
from harness.suggestions import did_you_mean
from roles import decision_intelligence, redis_server


class Role(Protocol):
    """What a role's module offers."""

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
    def VARIABLES(self) -> Mapping[str, object]:  # noqa: N802
        """The variables it reads, with what they are unless the inventory says otherwise."""

    def resources(self, host: Host) -> Iterator[Resource]:
        """Yield what must hold on `host`, in the order it must come to hold."""


#: In the order in which they must come to hold on a host that has several.
REGISTRY: Mapping[str, Role] = {
    "redis_server": redis_server,
    "decision_intelligence": decision_intelligence,
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


def variables() -> frozenset[str]:
    """Return every variable that some role understands."""
    return frozenset(name for role in REGISTRY.values() for name in role.VARIABLES)
