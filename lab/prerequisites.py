"""What the machine must be before a lab can stand on it; missing packages are installed."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping

from harness.errors import LabError
from lab.running import run

#: Program -> the Debian package that ships it.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nft": "nftables",
    "ssh-keygen": "openssh-client",
}


def missing(
    *, uid: int, release: Mapping[str, str], has_cgroup2: bool, system: str
) -> tuple[str, ...]:
    """Return in words what this machine lacks and cannot be given by apt; empty: nothing."""
    wants = []
    if system != "Linux" or release.get("ID") != "debian":
        wants.append("Debian (the image is built from the machine's own apt sources)")
    if uid != 0:
        wants.append("root (namespaces, mounts and a bridge)")
    if system == "Linux" and not has_cgroup2:
        wants.append("a mounted cgroup2 hierarchy")
    return tuple(wants)


def missing_here() -> tuple[str, ...]:
    """Ask this machine."""
    system = platform.system()
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    has_cgroup2 = system == "Linux" and cgroup2_mount() is not None
    return missing(uid=os.geteuid(), release=release, has_cgroup2=has_cgroup2, system=system)


def codename() -> str:
    """Return the machine's own suite, e.g. bookworm."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def cgroup2_mount() -> str | None:
    """Return where the cgroup v2 hierarchy is mounted."""
    with open("/proc/self/mounts") as mounts:  # noqa: PTH123
        for line in mounts:
            _, where, kind, *_ = line.split()
            if kind == "cgroup2":
                return where
    return None


def check() -> None:
    """Raise LabError naming everything that this machine lacks and apt cannot give."""
    if wants := missing_here():
        raise LabError(
            f"the lab needs {' and '.join(wants)}",
            step="lab prerequisites",
            action="run it as root on a Debian machine, or use -i sandbox",
        )


def ensure() -> None:
    """Check the machine and install the Debian packages that it lacks; raises LabError."""
    check()
    packages = sorted({p for program, p in PROGRAMS.items() if not shutil.which(program)})
    if packages:
        _install(packages)


def _install(packages: list[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("apt-get", "install", "-y", "--no-install-recommends", *packages)
    try:
        run(*install, env=env)
    except LabError:
        # the package lists are missing or name files that are gone: fetch them and try once more
        run("apt-get", "update", env=env)
        run(*install, env=env, step=f"installing {' '.join(packages)}")
