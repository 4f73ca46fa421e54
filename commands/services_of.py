"""Which services a host has, and which units run its consumers: from its roles, as deployed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

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


def narrowed(chosen: Chosen, only: Iterable[str]) -> tuple[Chosen, frozenset[str]]:
    """Return the hosts that have one of the services typed, and these services.

    Nothing typed is all hosts and no services. Raises ConfigurationError where a name is no
    service, or none of a chosen host: what is asked for and not done must not end green.
    """
    import roles

    typed = [name.strip() for word in only for name in word.split(",")]
    if not typed:
        return chosen, frozenset()
    of = {h.name: {s for role in roles.of(h) for s in role.SERVICES} for h in chosen.hosts}
    there = {each for services in of.values() for each in services}
    known = {each for role in roles.REGISTRY.values() for each in role.SERVICES}
    for name in typed:
        if name not in there:
            raise ConfigurationError(
                f"no chosen host has the service {name}" if name in known
                else f'there is no service "{name}"{did_you_mean(name, there or known)}',
                step="--only", action="invoke inventory.show: it lists the hosts' roles",
            )  # fmt: skip
    hosts = tuple(host for host in chosen.hosts if of[host.name].intersection(typed))
    return dataclasses.replace(chosen, hosts=hosts), frozenset(typed)
