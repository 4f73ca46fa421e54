"""What tests do to a host: cut its power or its cable, fill its disk, take its sudo away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from lab import booting, disks, network
from lab.entering import inside
from lab.places import USER, LabHost


def power_off(host: LabHost) -> None:
    """Kill every process of the host at once; its disk stays."""
    booting.end(host)


def power_on(host: LabHost) -> None:
    """Boot the host from its disk and wait until it can be worked on."""
    booting.start(host)
    booting.await_ready(host)


@contextlib.contextmanager
def silent(host: LabHost) -> Iterator[None]:
    """While inside, nothing reaches the host and nothing comes from it, without any refusal."""
    network.cut(host)
    try:
        yield
    finally:
        network.join(host)


@contextlib.contextmanager
def full_disk(host: LabHost, *, free: int = 0) -> Iterator[None]:
    """While inside, the host's disk has `free` bytes left; none of its files is touched."""
    disk = os.statvfs(host.disk)
    used = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    disks.resize(host, used + free)
    try:
        yield
    finally:
        disks.resize(host, disk.f_blocks * disk.f_frsize)


@contextlib.contextmanager
def without_sudo(host: LabHost) -> Iterator[None]:
    """While inside, the login user's `sudo -n` is refused."""
    rule, aside = f"/etc/sudoers.d/{USER}", f"/etc/{USER}.sudoers-taken-away"
    inside(host, "mv", rule, aside)
    try:
        yield
    finally:
        inside(host, "mv", aside, rule)
