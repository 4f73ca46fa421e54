"""Keep what is temporary in memory where there is plenty of it, and on the disk elsewhere.

Whoever puts files on a host syncs each of them and its folder: thousands of times in these tests,
and on a disk each takes some milliseconds in which nothing is tested. The lab's hosts have their
disks in memory, too. TMPDIR=/tmp runs everything on the disk, the soak does so by itself, and
tests/agent/test_on_a_disk.py is always there.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
#: What must be free, in bytes; seen: less than one GiB in use.
PLENTY = 4 << 30
NAME = "quantum-tests-"


def wanted():
    """Tell whether this run is to use memory; who runs in a worker has been told where."""
    return "TMPDIR" not in os.environ and "QUANTUM_SOAK" not in os.environ and has_plenty(MEMORY)


def has_plenty(memory, plenty=PLENTY):
    """Tell whether the folder has room, really free, and keeps what files have on a disk."""
    try:
        if min(shutil.disk_usage(memory).free, available()) < plenty:
            return False
        with tempfile.NamedTemporaryFile(dir=memory, prefix=NAME) as file:
            os.setxattr(file.name, "user.quantum", b"kept")
    except (OSError, AttributeError):
        return False
    return True


def available():
    """Return how many bytes of memory nobody needs."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    words = next(line.split() for line in lines if line.startswith("MemAvailable:"))
    return int(words[1]) * 1024


def use(memory=MEMORY):
    """Let all that is temporary here, and in what is started here, be in a folder in memory."""
    forget_the_dead(memory)
    folder = memory / f"{NAME}{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o1777)  # as /tmp is
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    return folder


def forget_the_dead(memory=MEMORY):
    """Remove what runs left behind that were killed, or failed and were looked at."""
    for folder in memory.glob(f"{NAME}[0-9]*"):
        if not Path(f"/proc/{folder.name.removeprefix(NAME)}").exists():
            remove(folder)


def remove(folder):
    """Remove a folder and nothing that may be mounted below it."""
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=False, capture_output=True)
