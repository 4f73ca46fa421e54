"""Bring the lab up, take it down, renew one host: safe to repeat, whatever died before."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping

from harness.errors import LabError
from lab import booting, describing, disks, image, keys, network, places, prerequisites
from lab.entering import cgroup, leader
from lab.places import LabHost

#: How long to wait for another lab.up to end, in seconds: it may be building an image.
ALONE_WITHIN_S = 900.0
LOOK_AGAIN_S = 0.1


def up(
    count: int = places.USUAL_HOSTS,
    suite: str = image.SUITES[0],
    *,
    disk_mb: int = disks.DISK_MB,
    tell: image.Tell = lambda _: None,
) -> tuple[LabHost, ...]:
    """Have hosts 1..count up from the image of `suite` and return them.

    Several suites, as in "bookworm,trixie", are given to the hosts in turn. A living host of its
    image stays as it is; a dead one, or one of another image, is replaced by a fresh one. Hosts
    above `count` are left alone. `tell` hears what takes long. Raises LabError.
    """
    if not 1 <= count <= places.MOST_HOSTS:
        raise LabError(f"a lab has 1 to {places.MOST_HOSTS} hosts, not {count}", step="lab.up")
    prerequisites.ensure()
    with _alone():
        hosts = places.first(count)
        images = image.ensure_all(suite, tell)
        of = dict(zip(hosts, itertools.cycle(images), strict=False))
        stale = [host for host in hosts if not _usable(host, of[host])]
        for host in stale:
            _remove(host)
        network.up()
        _fresh({host: of[host] for host in stale}, disk_mb)
        for host in hosts:
            booting.await_ready(host)
        keys.write_known_hosts(places.existing())
        if count == places.USUAL_HOSTS:
            places.INVENTORY.unlink(missing_ok=True)
        else:
            describing.write(hosts)
    return hosts


def down() -> tuple[LabHost, ...]:
    """Take everything of the lab off the machine but the image; return the hosts there were."""
    prerequisites.check()
    if not places.RUN.exists() and not cgroup(LabHost(1)).parent.exists():
        network.down()
        return ()
    with _alone():
        hosts = known()
        for host in hosts:
            _remove(host)
        network.down()
        parent = cgroup(LabHost(1)).parent
        if parent.is_dir():
            parent.rmdir()
        shutil.rmtree(places.RUN)
    return hosts


def renew(host: LabHost, suite: str = image.SUITES[0], *, disk_mb: int = disks.DISK_MB) -> None:
    """Replace one host by a fresh one with the same host key."""
    prerequisites.ensure()
    with _alone():
        saved = {suffix: _key_text(host, suffix) for suffix in ("", ".pub")}
        _remove(host)
        host.folder.mkdir(mode=0o755, parents=True)
        for suffix, text in saved.items():
            path = host.host_key.with_name(host.host_key.name + suffix)
            path.touch(mode=0o600)
            path.write_text(text)
        network.up()
        _fresh({host: image.ensure(suite, lambda _: None)}, disk_mb)
        booting.await_ready(host)


def known() -> tuple[LabHost, ...]:
    """Return every host that has left a folder or a cgroup, alive or not."""
    parent = cgroup(LabHost(1)).parent
    names = [path.name.removeprefix("lab") for path in parent.glob("lab*")]
    numbers = {host.number for host in places.existing()} | {int(n) for n in names if n.isdigit()}
    return tuple(LabHost(number) for number in sorted(numbers))


def _fresh(images: Mapping[LabHost, image.Image], disk_mb: int) -> None:
    keys.ensure(tuple(images))
    for host, built in images.items():
        disks.make(host, built, places.first(places.MOST_HOSTS), disk_mb)
        booting.start(host)


def _usable(host: LabHost, built: image.Image) -> bool:
    if leader(host) is None:
        return False
    return host.image_record.is_file() and host.image_record.read_text() == built.digest


def _remove(host: LabHost) -> None:
    network.join(host)
    booting.end(host)
    disks.remove(host)


def _key_text(host: LabHost, suffix: str) -> str:
    return host.host_key.with_name(host.host_key.name + suffix).read_text()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Hold the lab: one `lab.up` or `lab.down` at a time on this machine."""
    # beside the folder, since lab.down removes that
    descriptor = os.open(f"{places.RUN}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_for(descriptor)
        places.RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int) -> None:
    until = time.monotonic() + ALONE_WITHIN_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise LabError(
                    f"another lab.up or lab.down has held the lab for {ALONE_WITHIN_S:.0f} s",
                    step="lab lock",
                    action=f"fuser {places.RUN}.lock tells which process",
                ) from error
        time.sleep(LOOK_AGAIN_S)
