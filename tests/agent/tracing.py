"""Watch a real agent's system calls with strace, or kill it on its way into one of them."""

import re
import shutil
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from tests.agent.worlds import STORE
from tests.needing import not_tested

#: What changes a file, its attributes or its names, takes a lock, or speaks to others; a "?" has
#: strace pass over what a processor does not have.
CHANGING = (
    "?open,?openat,?openat2,?creat,?truncate,?ftruncate,?fallocate,?copy_file_range,"
    "?sendfile,?splice,?write,?writev,?pwrite64,?pwritev,?pwritev2,?sendto,?sendmsg,?mmap,"
    "?fsync,?fdatasync,?sync,?syncfs,?sync_file_range,?msync,?flock,?rename,?renameat,"
    "?renameat2,?link,?linkat,?symlink,?symlinkat,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir,"
    "?mknod,?mknodat,?chmod,?fchmod,?fchmodat,?fchmodat2,?chown,?fchown,?lchown,?fchownat,"
    "?utime,?utimes,?utimensat,?futimesat,?setxattr,?lsetxattr,?fsetxattr,?removexattr,"
    "?lremovexattr,?fremovexattr,?mount,?umount2,?chroot,?pivot_root,?ioctl"
)
#: A line begins with the process where there are several.
_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$")
_OPENED_TO_CHANGE = re.compile(r"O_CREAT|O_TRUNC|O_WRONLY|O_RDWR|O_APPEND|O_TMPFILE")
_FLAGS_SET = re.compile(r"SETFLAGS|FSSETXATTR|FICLONE")
#: What may be written by those who only look: answers, output kept in memory, a question to the
#: supervisor, a moment's look at a lock.
_HARMLESS = defaultdict(
    lambda: re.compile(r"(?!)"),
    write=re.compile(r"^\d+<(pipe:\[|/memfd:|socket:)"),
    sendto=re.compile(r'^\d+<.*\\"do\\": \\"show\\"'),
    flock=re.compile(r"LOCK_SH|LOCK_UN"),
    openat=re.compile(r'"/dev/null"'),
)


@dataclass(frozen=True)
class Call:
    """One system call: its name, the how manieth of that name it is, and its words."""

    name: str
    count: int
    words: str

    def __str__(self) -> str:
        return f"{self.name} {self.count}: {self.words}"


def watching(log: Path, *, children: bool = False) -> tuple[str, ...]:
    """Return the words that start a program so that its changing calls are written down."""
    follow = ("-f",) if children else ()
    return (strace(), *follow, "-y", "-s", "400", "-o", str(log), "-e", f"trace={CHANGING}", "--")


def killing(log: Path, call: Call) -> tuple[str, ...]:
    """Return the words that start a program which is killed on its way into that call."""
    inject = f"inject={call.name}:signal=KILL:when={call.count}"
    return (strace(), "-o", str(log), "-e", f"trace={call.name}", "-e", inject, "--")


def changing(log: Path) -> list[Call]:
    """Return every call in a log that could change something, in order."""
    seen: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match:
            name, words = match.groups()
            seen[name] += 1
            if _changes(name, words):
                found.append(Call(name, seen[name], words))
    return found


def leaving_a_trace(log: Path) -> list[Call]:
    """Return the calls that wrote more than words into a pipe and output into memory."""
    return [call for call in changing(log) if not _HARMLESS[call.name].search(call.words)]


def from_the_first_change(calls: list[Call]) -> list[Call]:
    """Return the calls from the first on that touches the agent's store; before it only looks."""
    touched = (STORE in call.words and "LOCK_SH" not in call.words for call in calls)
    return calls[list(touched).index(True) :]


def _changes(name: str, words: str) -> bool:
    if name in {"open", "openat", "openat2"}:
        return bool(_OPENED_TO_CHANGE.search(words))
    if name == "mmap":
        return "MAP_SHARED" in words and "PROT_WRITE" in words
    return name != "ioctl" or bool(_FLAGS_SET.search(words))


def strace() -> str:
    """Return where strace is; without it the test is none."""
    found = shutil.which("strace")
    if not found:
        not_tested("watching system calls needs strace")
    return found
