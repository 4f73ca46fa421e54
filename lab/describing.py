"""Write an inventory for a lab that is not the usual three hosts (inventory/lab.yml)."""

from __future__ import annotations

from collections.abc import Sequence

from lab.places import CLIENT_KEY, INVENTORY, KNOWN_HOSTS, REDIS_PASSWORD, USER, LabHost

#: What hosts in namespaces do not enforce or do not let be shown, as inventory/lab.yml says it.
NOT_ENFORCED = (
    "IPAddressDeny", "MemoryMax", "CPUQuota", "TasksMax",
    "ProtectKernelModules", "ProtectClock", "ProtectKernelLogs",
)  # fmt: skip


def inventory(hosts: Sequence[LabHost]) -> str:
    """Return their inventory: Redis on the first, the analytics on all, trading on the others."""
    redis, (several, *single) = hosts[0], hosts[1:] or hosts
    lines = [
        "# Disposable hosts of this machine: invoke lab.up",
        "all:",
        "  vars:",
        "    mode: sandbox",
        f"    ansible_user: {USER}",
        f"    ansible_ssh_private_key_file: {CLIENT_KEY}",
        "    ansible_become: true",
        f"    known_hosts: {KNOWN_HOSTS}",
        f"    redis_host: {redis.address}",
        "    redis_port: 6379",
        f"    redis_password: file:{REDIS_PASSWORD}",
        "    redis_acl: true",
        "    snapshot_interval_s: 1",
        "    gate_within_s: 10",
        f"    not_enforced: [{', '.join(NOT_ENFORCED)}]",
        "  children:",
        "    redis:",
        "      hosts:",
        f"        {redis.name}:",
        "      vars:",
        "        roles: [redis_server]",
        "    analytics:",
        "      hosts:",
        *(f"        {host.name}:" for host in hosts),
        "      vars:",
        "        roles: [decision_intelligence]",
        "    trading:",
        "      hosts:",
        f"        {several.name}: {{execution_instances: 2}}",
        *(f"        {host.name}:" for host in single),
        "      vars:",
        "        roles: [strategy_router, execution]",
        "  hosts:",
        *(f"    {host.name}: {{ansible_host: {host.address}}}" for host in hosts),
    ]
    return "\n".join(lines) + "\n"


def write(hosts: Sequence[LabHost]) -> None:
    """Place the inventory where `-i` can be pointed at it."""
    INVENTORY.write_text(inventory(hosts))
