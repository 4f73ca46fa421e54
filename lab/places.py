"""Where the lab keeps what it must find again, whoever started it: machine-wide, not per checkout.

A host is its cgroup (every process of it is in there), its two mounts and its folder here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RUN = Path("/run/quantum-lab")
CACHE = Path("/var/cache/quantum-lab")
HOSTS = RUN / "hosts"
CLIENT_KEY = RUN / "id_ed25519"
KNOWN_HOSTS = RUN / "known_hosts"
REDIS_PASSWORD = RUN / "redis_password"
INVENTORY = RUN / "inventory.yml"

#: The lab's bridge and its range; hosts count from .11. Nothing leaves this range.
BRIDGE = "qlab0"
NETWORK = "10.213.7"
PREFIX = 24
GATEWAY = f"{NETWORK}.1"

#: Who logs in: a sudo user without a password; root cannot.
USER = "ops"
MOST_HOSTS = 32
#: What `lab.up` starts unless told otherwise, and what inventory/lab.yml describes.
USUAL_HOSTS = 3


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of the lab by its number, from 1; everything about it follows from that."""

    number: int

    @property
    def name(self) -> str:
        """Return e.g. lab1."""
        return f"lab{self.number}"

    @property
    def address(self) -> str:
        """Return e.g. 10.213.7.11."""
        return f"{NETWORK}.{10 + self.number}"

    @property
    def folder(self) -> Path:
        """Return where its files outside of it are kept."""
        return HOSTS / self.name

    @property
    def disk(self) -> Path:
        """Return the tmpfs that holds what the host writes; its size is the host's disk."""
        return self.folder / "disk"

    @property
    def root(self) -> Path:
        """Return the overlay of image and disk that the host sees as /."""
        return self.folder / "root"

    @property
    def console(self) -> Path:
        """Return what the host wrote to its console."""
        return self.folder / "console.log"

    @property
    def process_record(self) -> Path:
        """Return the /proc/PID/stat line of its systemd-nspawn, written before it was started."""
        return self.folder / "process"

    @property
    def image_record(self) -> Path:
        """Return the file that names the digest of the image it was made from."""
        return self.folder / "image"

    @property
    def host_key(self) -> Path:
        """Return its private host key; the public one is beside it."""
        return self.folder / "ssh_host_ed25519_key"

    @property
    def interface(self) -> str:
        """Return the machine's end of its network cable, as systemd-nspawn names it."""
        return f"vb-{self.name}"


def first(count: int) -> tuple[LabHost, ...]:
    """Return the first `count` hosts."""
    return tuple(LabHost(number) for number in range(1, count + 1))


def existing() -> tuple[LabHost, ...]:
    """Return the hosts that have a folder, alive or not, by number."""
    numbers = (path.name.removeprefix("lab") for path in HOSTS.glob("lab*"))
    return tuple(LabHost(n) for n in sorted(int(text) for text in numbers if text.isdigit()))
