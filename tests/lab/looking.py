"""What a host really is, seen from inside it and not through the agent under test."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lab.entering import inside
from lab.places import LabHost

#: Whatever a deploy may write outside of its own journal and the services' data.
MANAGED = ("/etc", "/opt", "/usr/lib/systemd")
TREE = """
import hashlib, json, os, stat, sys
def state(path):
    seen = os.lstat(path)
    if stat.S_ISLNK(seen.st_mode):
        what = os.readlink(path)
    elif stat.S_ISREG(seen.st_mode):
        with open(path, "rb") as file:
            what = hashlib.sha256(file.read()).hexdigest()
    else:
        what = ""
    return [oct(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_mtime_ns, what]
found = {}
for top in sys.argv[1:]:
    found[top] = state(top)
    for folder, names, files in os.walk(top):
        for name in names + files:
            found[os.path.join(folder, name)] = state(os.path.join(folder, name))
print(json.dumps(found))
"""
#: Prints each path of the host with what tells its last touch; what is no disk, what services and
#: the login itself write, and the times of reading are left out.
AUDIT = """
import json, os, sys
found = {}
for folder, names, files in os.walk("/"):
    names[:] = [name for name in names if os.path.join(folder, name) not in sys.argv[1:]]
    for name in names + files:
        seen = os.lstat(os.path.join(folder, name))
        found[os.path.join(folder, name)] = [
            oct(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_size, seen.st_ino,
            seen.st_mtime_ns, seen.st_ctime_ns,
        ]
print(json.dumps(found))
"""
UNAUDITED = (
    "/proc", "/sys", "/dev", "/run", "/var/log", "/var/lib/redis", "/var/lib/systemd",
)  # fmt: skip
#: Prints where the bytes on stdin are found: in a process's words or environment, or in what
#: systemd tells about its units, or in the journal.
LEAKS = """
import glob, subprocess, sys
secret = sys.stdin.buffer.read()
for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
    try:
        with open(path, "rb") as file:
            if secret in file.read():
                print(path)
    except OSError:
        pass
for words in (["systemctl", "show", "--all", "*"], ["journalctl", "--no-pager", "--all"]):
    if secret in subprocess.run(words, capture_output=True).stdout:
        print(words[0])
"""
SHOWN = (
    "Id", "LoadState", "ActiveState", "UnitFileState", "InvocationID", "NRestarts", "MainPID",
    "NeedDaemonReload",
)  # fmt: skip


def tree(host: LabHost) -> dict[str, list]:
    """Return mode, owner, group, mtime and content of every path that a deploy could change."""
    return json.loads(inside(host, "python3", "-c", TREE, *MANAGED).stdout)


def audit(host: LabHost) -> dict[str, list]:
    """Return every path with its last touch in any way: no byte is written without one."""
    return json.loads(inside(host, "python3", "-B", "-c", AUDIT, *UNAUDITED).stdout)


def units(host: LabHost, names: Sequence[str]) -> dict[str, dict[str, str]]:
    said = inside(host, "systemctl", "show", f"--property={','.join(SHOWN)}", *names).stdout
    found = {}
    for block in said.decode().strip().split("\n\n"):
        state = dict(line.split("=", 1) for line in block.splitlines())
        found[state.pop("Id")] = state
    return found


def environ(host: LabHost, pid: str) -> dict[str, str]:
    raw = inside(host, "cat", f"/proc/{pid}/environ").stdout.decode()
    return dict(item.split("=", 1) for item in raw.split("\0") if item)


def folder_of(host: LabHost, pid: str) -> str:
    return inside(host, "readlink", f"/proc/{pid}/cwd").stdout.decode().strip()


def leaks(host: LabHost, secret: str) -> list[str]:
    return inside(host, "python3", "-c", LEAKS, stdin=secret.encode()).stdout.decode().split()


def transactions(host: LabHost) -> list[str]:
    listing = "ls -d /var/lib/quantum-ops/tx/*/state-* 2>/dev/null || true"
    paths = inside(host, "sh", "-c", listing).stdout.decode().split()
    return [path.rpartition("/state-")[2] for path in paths]


def probing(host: LabHost) -> list[str]:
    """Return every trace of a probe: files, and units that systemd still knows."""
    places = "/run /run/private /run/systemd/system /var/lib /var/lib/private"
    listing = (
        f"ls {places} | grep -E '^quantum-(probe|sweep)';"
        " systemctl list-units --all --plain --no-legend 'quantum-probe-*' 'quantum-sweep-*'"
    )
    return inside(host, "sh", "-c", listing, check=False).stdout.decode().splitlines()
