"""Boot a directory as a host: what Debian would have there, and a supervisor in systemd's place."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigurationError
from harness.host import Host
from harness.sandbox import embedded, starting

VENDOR_UNIT = Path(__file__).parent / "redis-server.service"
LAUNCHER = Path(__file__).parent / "redis_server.py"
FOLDERS = {
    "etc/systemd/system/multi-user.target.wants": 0o755,
    "etc/quantum": 0o755,
    "etc/redis": 0o755,
    "lib/systemd/system": 0o755,
    "opt": 0o755,
    "run/credentials": 0o700,
    "run/supervisor": 0o700,
    "usr/bin": 0o755,
    "var/lib/redis": 0o750,
    "var/log/journal": 0o750,
}


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A root directory whose units are supervised, and the socket to ask about them."""

    root: Path
    control: Path

    @property
    def is_running(self) -> bool:
        """Tell whether its supervisor answers."""
        return starting.control_of(self.root) is not None

    def shutdown(self) -> None:
        """Stop every service and the supervisor; one that does not run is no error."""
        shut_down_root(self.root)

    def remove(self) -> None:
        """Shut down and remove the root with everything in it, Redis' data included."""
        self.shutdown()
        shutil.rmtree(self.root)


def prepare(root: Path) -> None:
    """Make sure that a secret may be kept in `redis_password` beside the root: random, 0600.

    Called before secrets are resolved, which is before anything is booted. What is there stays.
    """
    path = root.parent / "redis_password"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path, secrets.token_urlsafe(32).encode() + b"\n", 0o600)
    with contextlib.suppress(FileExistsError):  # two may prepare at once; the first one's holds
        path.hardlink_to(beside)
    beside.unlink()


def boot(host: Host) -> Sandbox:
    """Make the host's root and start its supervisor, which starts what is enabled.

    Booting again changes nothing. Raises ConfigurationError when no server fits this machine, and
    UnreachableError when the supervisor does not come up.
    """
    if host.sandbox is None:
        raise ConfigurationError("it is no sandbox", host=host.name, step="sandbox")
    root = host.sandbox.resolve()
    if control := starting.control_of(root):
        return Sandbox(root, control)
    try:
        furnish(root, embedded.find())
    except OSError as error:
        raise ConfigurationError(
            f"its root {root} cannot be made: {error.strerror}",
            host=host.name,
            step="sandbox",
            action="name another directory as sandbox_root",
        ) from error
    return Sandbox(root, starting.ensure(root))


def shut_down(host: Host) -> None:
    """Stop a sandbox's services and its supervisor; nothing to do for any other host."""
    if host.sandbox is not None:
        shut_down_root(host.sandbox.resolve())


def shut_down_root(root: Path) -> None:
    """Stop every service and the supervisor below a root."""
    if not (root / "run/supervisor.lock").exists():
        return
    if control := starting.control_of(root):
        with contextlib.suppress(ConnectionError):  # it ended while it was asked
            starting.ask(control, {"do": "shutdown"}, starting.SHUT_DOWN_WITHIN_S)
    starting.wait_gone(root)


def furnish(root: Path, server: embedded.Server) -> None:
    """Write what the host has before a deploy; what is right already is not touched."""
    for folder, mode in FOLDERS.items():
        (root / folder).mkdir(mode=mode, parents=True, exist_ok=True)
    python = Path(sys.executable).resolve()
    _link(root / "usr/bin/python3", python)
    launch = (
        "#!/bin/sh\n"
        f'exec "{python}" -I -S "{LAUNCHER}" "{server.binary}" "$@"\n'
    )  # fmt: skip
    _place(root / "usr/bin/redis-server", launch.encode(), 0o755)
    _place(root / "lib/systemd/system/redis-server.service", VENDOR_UNIT.read_bytes(), 0o644)
    packages = {"packages": {"redis-server": server.version}}
    _place(root / "etc/quantum-sandbox.json", json.dumps(packages).encode() + b"\n", 0o644)
    if not (root / "etc/machine-id").exists():
        _place(root / "etc/machine-id", uuid.uuid4().hex.encode() + b"\n", 0o444)


def _link(path: Path, target: Path) -> None:
    if not path.is_symlink() or path.readlink() != target:
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        beside.symlink_to(target)
        beside.replace(path)  # as a whole: two may boot at once


def _place(path: Path, content: bytes, mode: int) -> None:
    """Have a file with this content, whole or not at all."""
    if path.exists() and path.read_bytes() == content:
        return
    _beside(path, content, mode).replace(path)


def _beside(path: Path, content: bytes, mode: int) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(content)
        os.fchmod(opened, mode)
    return beside
