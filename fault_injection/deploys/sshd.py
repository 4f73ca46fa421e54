"""Kill the sshd of a session amid an upload: a program for the host, in words for `sudo -n`."""

from __future__ import annotations

#: A look at a host sends less than this, the agent with it; a release that is new there sends more.
LEAST_KIB, MOST_KIB = 320, 900
#: Prints "watching", then the process that it killed, once one has read so much. It ends after so
#: many seconds in any case, and at once when nobody listens any more.
PROGRAM = r"""
import os, select, sys, time
user, most, until = sys.argv[1], int(sys.argv[2]) << 10, time.monotonic() + float(sys.argv[3])

def read(pid, name):
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:
        return ""

def parent(pid):
    return read(pid, "stat").rpartition(")")[2].split()[1:2]

ours, up = set(), [str(os.getpid())]
while up and up[0] not in ("0", "1"):
    ours.add(up[0])
    up = parent(up[0])
print("watching", flush=True)
while time.monotonic() < until and not select.select([0], [], [], 0.002)[0]:
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or pid in ours or not read(pid, "comm").startswith("sshd"):
            continue
        title = read(pid, "cmdline").partition("\0")[0]
        had = [line[7:] for line in read(pid, "io").splitlines() if line.startswith("rchar: ")]
        if user + "@" in title and had and int(had[0]) > most:
            os.kill(int(pid), 9)
            told = (title.strip(), int(had[0]) >> 10)
            print("killed %s, which had read %d KiB" % told, flush=True)
            sys.exit(0)
"""


def words(user: str, after_kib: int, within_s: float, *, become: bool) -> tuple[str, ...]:
    """Return what kills the session of `user` that has read more than `after_kib`."""
    run = ("python3", "-I", "-S", "-c", PROGRAM, user, str(after_kib), str(within_s))
    return ("sudo", "-n", *run) if become else run
