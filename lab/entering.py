"""Run a command in a host as root without SSH, by entering its namespaces."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.errors import LabError
from lab import prerequisites
from lab.places import LabHost

#: How long a command in a host may take, in seconds.
WITHIN_S = 120.0
#: Puts the command among the host's own processes, so that it ends with them.
JOIN = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def cgroup(host: LabHost) -> Path:
    """Return the cgroup that holds every process of the host."""
    return Path(prerequisites.cgroup2_mount() or "/sys/fs/cgroup") / "quantum-lab" / host.name


def nspawn(host: LabHost) -> int | None:
    """Return the process id of the host's systemd-nspawn, None when that very process is gone.

    The record holds its start time too, so that a number used again is not taken for it.
    """
    try:
        recorded = _stat(host.process_record.read_text())
        now = _stat(Path(f"/proc/{recorded[0]}/stat").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return (
        int(now[0]) if (now[0], now[20]) == (recorded[0], recorded[20]) and now[1] != "Z" else None
    )


def leader(host: LabHost) -> int | None:
    """Return the machine's process id of the host's process 1, None when it is not up."""
    parent = nspawn(host)
    if parent is None:
        return None
    try:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    except OSError:
        return None
    return int(children[0]) if children else None


def inside(
    host: LabHost,
    *words: str,
    stdin: bytes = b"",
    check: bool = True,
    timeout_s: float = WITHIN_S,
) -> subprocess.CompletedProcess[bytes]:
    """Run `words` in the host as root; raises LabError when it is down, or (`check`) on failure."""
    target = leader(host)
    if target is None:
        raise LabError("the host is down", host=host.name, step=words[0], action="invoke lab.up")
    enter = (
        "sh", "-c", JOIN, "enter", str(cgroup(host) / "supervisor"),
        "nsenter", f"--target={target}", "--all", "env", "-i", "-C/", PATH, "LC_ALL=C.UTF-8",
    )  # fmt: skip
    try:
        done = subprocess.run(
            (*enter, *words), input=stdin, capture_output=True, check=False, timeout=timeout_s
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"took longer than {timeout_s:.0f} s", host=host.name, step=words[0]
        ) from error
    if check and done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise LabError(
            f"`{' '.join(words)}` ended with {done.returncode}: {said}",
            host=host.name,
            step=words[0],
        )
    return done


def _stat(line: str) -> list[str]:
    """Return the fields of a /proc/PID/stat line without the name, which may hold anything."""
    number, rest = line.split(" (", 1)
    return [number, *rest.rsplit(") ", 1)[1].split()]
