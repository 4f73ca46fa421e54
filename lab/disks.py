"""A host's disk: the image below, a tmpfs of limited size above, and what makes it this host."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from lab import keys
from lab.image import Image
from lab.places import CLIENT_KEY, PREFIX, USER, LabHost
from lab.running import run

#: A host's disk, in MiB, unless told otherwise. Memory is used only for what is written.
DISK_MB = 1024


def make(host: LabHost, image: Image, everyone: Sequence[LabHost], disk_mb: int) -> None:
    """Mount an empty disk over the image and write what makes it `host`."""
    for folder in (host.disk, host.root):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    size = f"size={disk_mb}m,mode=0755"
    run("mount", "-t", "tmpfs", "-o", size, "quantum-lab", str(host.disk), step="lab disk")
    upper, work = host.disk / "upper", host.disk / "work"
    upper.mkdir(mode=0o755)
    work.mkdir()
    layers = f"lowerdir={image.root},upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "-o", layers, "quantum-lab", str(host.root), step="lab disk")
    _personalise(host, everyone)
    host.image_record.write_text(image.digest)


def _personalise(host: LabHost, everyone: Sequence[LabHost]) -> None:
    etc = host.root / "etc"
    (etc / "hostname").write_text(f"{host.name}\n")
    names = [f"{other.address} {other.name}\n" for other in everyone]
    (etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(names))
    (etc / "machine-id").write_text(f"{uuid.uuid4().hex}\n")
    network = etc / "systemd/network/10-lab.network"
    network.parent.mkdir(parents=True, exist_ok=True)
    network.write_text(
        "[Match]\nName=host0\n\n[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
        f"Address={host.address}/{PREFIX}\n"
    )
    for suffix, mode in (("", 0o600), (".pub", 0o644)):
        placed = etc / f"ssh/{host.host_key.name}{suffix}"
        placed.touch(mode=mode)
        placed.write_text(Path(f"{host.host_key}{suffix}").read_text())
    folder = host.root / f"home/{USER}/.ssh"
    allowed = folder / "authorized_keys"
    allowed.write_text(keys.public(CLIENT_KEY))
    owner = folder.stat()
    shutil.chown(allowed, owner.st_uid, owner.st_gid)
    allowed.chmod(0o600)


def resize(host: LabHost, size: int) -> None:
    """Give the disk `size` bytes, at least what is in use; takes effect at once."""
    run("mount", "-o", f"remount,size={size}", str(host.disk), step="lab disk")


def mounts_of(host: LabHost) -> tuple[str, ...]:
    """Return the host's mounts that are there now, the topmost first."""
    prefix = f"{host.folder}/"
    found = [
        line.split()[4]
        for line in Path("/proc/self/mountinfo").read_text().splitlines()
        if line.split()[4].startswith(prefix)
    ]
    return tuple(reversed(found))


def remove(host: LabHost) -> None:
    """Unmount the disk and forget the host's folder. One that was never made is fine."""
    for path in mounts_of(host):
        run("umount", "--lazy", path, step="lab disk")
    if host.folder.exists():
        shutil.rmtree(host.folder)
