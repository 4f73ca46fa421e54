"""Which units run the consumers of a host: from its roles, as deploy places them."""

from __future__ import annotations

from collections.abc import Mapping

from commands.choosing import Chosen
from harness.errors import ConfigurationError
from harness.host import Host
from harness.resources import Unit
from harness.suggestions import did_you_mean


def consumers_of(host: Host, only: str = "") -> dict[str, str]:
    """Return unit -> service of every consumer that the host's roles place."""
    import roles

    return {
        each.name: each.service
        for role in roles.of(host) if role.READS
        for each in role.resources(host) if isinstance(each, Unit)
        if only in ("", each.service)
    }  # fmt: skip


def concerned(chosen: Chosen, only: str) -> Mapping[str, dict[str, str]]:
    """Return host -> its consumers' units; hosts without any are left out.

    Raises ConfigurationError where there is none at all, or no such service.
    """
    found = {host.name: consumers_of(host, only) for host in chosen.hosts}
    found = {name: units for name, units in found.items() if units}
    if not found:
        services = {s for host in chosen.hosts for s in consumers_of(host).values()}
        raise ConfigurationError(
            f'no consumer is called "{only}"{did_you_mean(only, services)}' if only and services
            else "no role of these hosts runs a consumer",
            step="consumers", action="invoke inventory.show: it lists the hosts' roles",
        )  # fmt: skip
    return found
