"""Start a host's systemd, wait until it can be worked on, and end every process of it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path

from harness.errors import LabError
from lab import network
from lab.entering import cgroup, inside, leader
from lab.places import BRIDGE, LabHost

#: How long a host may take to boot, in seconds; seen: one or two.
BOOT_WITHIN_S = 90.0
#: How long killed processes may take to be gone, in seconds.
GONE_WITHIN_S = 30.0
LOOK_AGAIN_S = 0.1

#: Enters the host's own cgroup and writes down who it is, and only then becomes systemd-nspawn:
#: whatever dies when, the host's processes can be found. Without a cgroup of its own, hosts
#: would share one, since --keep-unit stays where it was started.
LAUNCH = """
echo $$ >"$1/cgroup.procs" && read -r line <"/proc/$$/stat" && echo "$line" >"$2" || exit 1
shift 2
exec "$@"
"""


def start(host: LabHost) -> None:
    """Boot the host from its disk; returns at once."""
    own = cgroup(host)
    own.mkdir(parents=True, exist_ok=True)
    container = (
        "systemd-nspawn", "--quiet", "-D", str(host.root), "-M", host.name, "--boot",
        "--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off",
        f"--network-bridge={BRIDGE}",
    )  # fmt: skip
    launch = ("sh", "-c", LAUNCH, "launch", str(own), str(host.process_record), *container)
    env = {"PATH": os.environ.get("PATH", os.defpath), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    with host.console.open("ab") as console:
        subprocess.run(
            ("setsid", "--fork", *launch),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env=env,
            cwd="/",
            check=True,
        )


def await_ready(host: LabHost, deadline_s: float = BOOT_WITHIN_S) -> None:
    """Return when systemd has come up and sshd greets; raises LabError with the console's end."""
    until = time.monotonic() + deadline_s
    while not is_ready(host):
        if time.monotonic() > until:
            said = host.console.read_bytes()[-800:].decode(errors="replace").strip()
            dead = "" if leader(host) else " (its systemd-nspawn has ended)"
            raise LabError(
                f"not up after {deadline_s:.0f} s{dead}; its console ends with:\n  {said}",
                host=host.name,
                step="boot",
                action="invoke lab.down, then invoke lab.up",
            )
        time.sleep(LOOK_AGAIN_S)


def is_ready(host: LabHost) -> bool:
    """Tell whether systemd says running (or degraded) and sshd greets."""
    if leader(host) is None or not _sshd_greets(host):
        return False
    with contextlib.suppress(LabError):
        said = inside(host, "systemctl", "is-system-running", check=False).stdout.strip()
        return said in (b"running", b"degraded")
    return False


def _sshd_greets(host: LabHost) -> bool:
    try:
        with socket.create_connection((host.address, 22), timeout=1) as sock:
            return sock.recv(4) == b"SSH-"
    except OSError:
        return False


def end(host: LabHost) -> None:
    """Kill every process of the host, as a power cut would, and return when they are gone."""
    own = cgroup(host)
    if not own.is_dir():
        return
    with contextlib.suppress(FileNotFoundError):
        (own / "cgroup.kill").write_text("1")
    until = time.monotonic() + GONE_WITHIN_S
    while "populated 1" in (own / "cgroup.events").read_text():
        if time.monotonic() > until:
            raise LabError("its processes do not end", host=host.name, step="power off")
        time.sleep(LOOK_AGAIN_S)
    for folder, _, _ in os.walk(own, topdown=False):
        Path(folder).rmdir()
    host.process_record.unlink(missing_ok=True)
    network.unplug(host)
