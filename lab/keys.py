"""The lab's own SSH keys and the known_hosts that it can write because it made them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from lab.places import CLIENT_KEY, KNOWN_HOSTS, REDIS_PASSWORD, LabHost
from lab.running import run


def ensure(hosts: Sequence[LabHost]) -> None:
    """Make what is missing: client key, one host key per host, known_hosts, Redis password."""
    _key(CLIENT_KEY, "quantum-lab")
    for host in hosts:
        host.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        _key(host.host_key, host.name)
    if not REDIS_PASSWORD.exists():
        _replace(REDIS_PASSWORD, secrets.token_urlsafe(24), mode=0o600)


def write_known_hosts(hosts: Sequence[LabHost]) -> None:
    """Write the public keys of the hosts, by address and by name."""
    lines = [
        f"{host.address},{host.name} {' '.join(public(host.host_key).split()[:2])}\n"
        for host in hosts
        if host.host_key.exists()
    ]
    _replace(KNOWN_HOSTS, "".join(lines), mode=0o644)


def public(private: Path) -> str:
    """Return the public half of a key."""
    return private.with_name(f"{private.name}.pub").read_text()


def _key(path: Path, comment: str) -> None:
    if not path.with_name(f"{path.name}.pub").exists():
        path.unlink(missing_ok=True)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path))


def _replace(path: Path, text: str, *, mode: int) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.touch(mode=0o600)
    beside.write_text(text)
    beside.chmod(mode)
    beside.rename(path)
