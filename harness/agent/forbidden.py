"""Try what a hardened unit must refuse, and tell what came of each try; nothing is changed.

Runs on a host as `python3 -I -S - ACTION... KEY=VALUE...` with this text on stdin, and prints
{action: {"passed": true | false | null, "why": ...}}; null: it could not even be tried here. Where
the deed itself would leave a trace, the kernel is asked with an argument that it refuses only
after it has looked at who asks: another errno than a refusal means that the way was open.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

#: One try may take this long, in seconds.
TRY_WITHIN_S = 5
#: From so many words on, what several actions need is loaded once for all of them.
MANY = 8
#: Documentation's own address (RFC 5737). Bound to the loopback device, nothing leaves the host.
ELSEWHERE = ("192.0.2.1", 9)
#: init_module by machine; glibc has no name for it.
INIT_MODULE = {"x86_64": 175, "aarch64": 105}
ADJ_TICK, TIMEX_BYTES = 0x4000, 512
CLONE_NEWUSER, ADDR_NO_RANDOMIZE, PR_GET_NO_NEW_PRIVS = 0x10000000, 0x0040000, 39
READ, WRITE, EXECUTE = 1, 2, 4
TUNABLES = ("/proc/sys/kernel/domainname", "/proc/sys/net/ipv4/ip_default_ttl")
WRITABLE = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - a unit's own, if all is well
HOMES = ("/home", "/root", "/run/user")
STATE = ("STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY")

GIVEN: dict[str, str] = {}


class CannotTryError(Exception):
    """What comes before the forbidden step did not work."""


@contextlib.contextmanager
def first() -> Iterator[None]:
    """Do what comes before the forbidden step."""
    try:
        yield
    except (OSError, ImportError, MemoryError, AttributeError) as error:
        raise CannotTryError(f"{type(error).__name__}: {error}") from None


def libc() -> Any:
    """Return the C library."""
    with first():
        import ctypes

        return ctypes.CDLL(None, use_errno=True)


def must(answer: int, *harmless: int) -> None:
    """Raise the C library's error, unless it only says that the argument was nonsense."""
    import ctypes

    number = ctypes.get_errno()
    if answer == -1 and number not in harmless:
        raise OSError(number, os.strerror(number))


def refused(number: int) -> OSError:
    """Return a refusal of one's own."""
    return OSError(number, os.strerror(number))


def unnamed(mode: int = 0o700) -> Iterator[int]:
    """Yield a new file without a name in each place that can be written to."""
    places = [*filter(None, map(os.environ.get, STATE)), os.getcwd(), *WRITABLE]
    untried = ""
    for place in places:
        try:
            opened = os.open(place.split(":")[0], os.O_TMPFILE | os.O_RDWR, mode)
        except OSError as error:
            if error.errno in {errno.EOPNOTSUPP, errno.EISDIR}:
                untried = place
            continue
        try:
            yield opened
        finally:
            os.close(opened)
    if untried:
        raise CannotTryError(f"{untried} takes no file without a name")


def program() -> Iterator[int]:
    """Yield a program in each place that can be written to, open for reading."""
    with first(), open("/usr/bin/true", "rb") as file:
        content = file.read()
    for opened in unnamed():
        with first():
            os.write(opened, content)
            again = os.open(f"/proc/self/fd/{opened}", os.O_RDONLY)
        os.dup2(again, opened)  # a file that is open for writing cannot be executed
        os.close(again)
        yield opened


def worked(opened: int) -> None:
    """Note where a file lies with which the forbidden thing worked."""
    GIVEN["where"] = os.path.dirname(os.readlink(f"/proc/self/fd/{opened}"))


def bind_port() -> None:
    """Listen on a port that is not its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as each:
        each.bind(("127.0.0.1", 0))
        each.listen(1)


def reach_address() -> None:
    """Send a datagram to an address that is nobody's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as each:
        with first():
            each.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
        each.sendto(b"", ELSEWHERE)


def open_netlink() -> None:
    """Open a socket of a family that it does not need."""
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).close()


def exec_state() -> None:
    """Execute a program that it has written itself."""
    last = refused(errno.EROFS)
    for opened in program():
        child = os.fork()
        if not child:
            try:
                os.execv(f"/proc/self/fd/{opened}", ["true"])  # noqa: S606 - it is the deed
            except OSError as error:
                os._exit(error.errno or 255)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if not code:
            worked(opened)
            return
        last = refused(code)
    raise last


def map_state() -> None:
    """Map a file that it has written itself as code."""
    import mmap

    last = refused(errno.EROFS)
    for opened in program():
        try:
            mmap.mmap(opened, 4096, flags=mmap.MAP_PRIVATE, prot=READ | EXECUTE).close()
        except OSError as error:
            last = error
        else:
            worked(opened)
            return
    raise last


def write_code() -> None:
    """Open its own program, or the system's, for writing; nothing is written."""
    last: OSError | None = None
    for path in GIVEN["code"].split(","):
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError as error:
            if error.errno == errno.ETXTBSY:  # it runs, and nothing else stood in the way
                return
            last = last if error.errno == errno.ENOENT else error
        else:
            return
    if last is None:
        raise CannotTryError(f"none of {GIVEN['code']} is there")
    raise last


def map_writable_code() -> None:
    """Map memory that can be written to and executed."""
    import mmap

    mmap.mmap(-1, 4096, prot=READ | WRITE | EXECUTE).close()


def turn_memory_to_code() -> None:
    """Make memory executable that was written to."""
    import mmap

    c = libc()
    with first():
        import ctypes

        memory = mmap.mmap(-1, 4096)
        at = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    must(c.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(4096), READ | EXECUTE))


def unshare() -> None:
    """Make a user namespace, in which it would be root."""
    must(libc().unshare(CLONE_NEWUSER))


def read_home() -> None:
    """List the homes of people."""
    last = refused(errno.ENOENT)
    for folder in HOMES:
        try:
            if os.listdir(folder):
                return
        except OSError as error:
            last = error
    raise last


def see_processes() -> None:
    """See processes of other users."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError):
            if os.stat(f"/proc/{pid}").st_uid != os.getuid():
                return
    raise refused(errno.ENOENT)


def read_meminfo() -> None:
    """Read what /proc tells of the whole machine."""
    os.close(os.open("/proc/meminfo", os.O_RDONLY))


def load_module() -> None:
    """Load a kernel module, which is nonsense."""
    number = INIT_MODULE.get(os.uname().machine)
    if number is None:
        raise CannotTryError(f"the call's number on {os.uname().machine} is not known")
    must(libc().syscall(number, None, 0, b""), errno.ENOEXEC, errno.EFAULT, errno.EINVAL)


def set_clock() -> None:
    """Set the length of the clock's tick, to nonsense."""
    c = libc()
    import ctypes

    asked = ctypes.create_string_buffer(ADJ_TICK.to_bytes(4, sys.byteorder), TIMEX_BYTES)
    must(c.adjtimex(asked), errno.EINVAL)


def ptrace() -> None:
    """Let itself be traced, as a debugger's child does."""
    must(libc().ptrace(0, 0, None, None))


def set_user() -> None:
    """Become another user."""
    os.setresuid(1, 1, 1)


def act_as_root() -> None:
    """Be root."""
    if os.geteuid():
        raise refused(errno.EPERM)


def keep_capabilities() -> None:
    """Hold, or come to hold, any capability."""
    with first(), open("/proc/self/status", encoding="ascii", errors="replace") as file:
        bounds = [line.split()[1] for line in file if line.startswith("CapBnd:")]
    if not any(int(each, 16) for each in bounds):
        raise refused(errno.EPERM)


def gain_privileges() -> None:
    """Gain by executing a program with the set-user-ID bit."""
    if libc().prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0):
        raise refused(errno.EPERM)


def make_setuid() -> None:
    """Make a file with the set-user-ID bit."""
    last = refused(errno.EROFS)
    for opened in unnamed():
        try:
            os.fchmod(opened, 0o4700)
        except OSError as error:
            last = error
        else:
            return
    raise last


def run_realtime() -> None:
    """Run before everything else on the machine."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def change_personality() -> None:
    """Switch the randomisation of addresses off."""
    must(libc().personality(ADDR_NO_RANDOMIZE))


def set_hostname() -> None:
    """Name the host, with a name that is too long."""
    must(libc().sethostname(b"", 1 << 20), errno.EINVAL)


def write_tunable() -> None:
    """Open a setting of the kernel for writing; nothing is written."""
    last = refused(errno.ENOENT)
    for path in TUNABLES:
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError as error:
            last = error
        else:
            return
    raise last


def read_kernel_log() -> None:
    """Ask the kernel for the size of its log."""
    must(libc().klogctl(10, None, 0))


def move_between_cgroups() -> None:
    """Open its cgroup for writing; nothing is written."""
    with first(), open("/proc/self/cgroup", encoding="utf-8") as file:
        own = file.read().strip().rpartition("::")[2]
    os.close(os.open(f"/sys/fs/cgroup{own}/cgroup.procs", os.O_WRONLY))


def share_tmp() -> None:
    """See the host's /tmp."""
    _same(GIVEN["tmp"], place("/tmp"))  # noqa: S108 - its identity, nothing in it


def share_devices() -> None:
    """See the host's devices."""
    _same(GIVEN["dev"], place("/dev"))


def share_ipc() -> None:
    """Share memory and queues with the host."""
    _same(GIVEN["ipc"], os.readlink("/proc/self/ns/ipc"))


def share_users() -> None:
    """Share the host's users."""
    _same(GIVEN["users"], os.readlink("/proc/self/ns/user"))


def place(path: str) -> str:
    """Return what tells one directory from any other."""
    found = os.stat(path)
    return f"{found.st_dev}:{found.st_ino}"


def _same(of_the_host: str, own: str) -> None:
    if own != of_the_host:
        raise refused(errno.ENOENT)


def told(action: Callable[[], None]) -> dict[str, Any]:
    """Try it in this process and tell what came of it."""
    try:
        action()
    except OSError as error:
        return {"passed": False, "why": errno.errorcode.get(error.errno or 0, str(error))}
    except CannotTryError as error:
        return {"passed": None, "why": str(error)}
    except Exception as error:
        return {"passed": None, "why": f"{type(error).__name__}: {error}"}
    return {"passed": True, "why": GIVEN.get("where", "")}


def attempt(name: str) -> dict[str, Any]:
    """Try it in a child, which may be killed for it and may hang."""
    action = globals().get(name)
    if not callable(action):
        return {"passed": None, "why": "this probe knows no such action"}
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(TRY_WITHIN_S)
        os.write(writing, json.dumps(told(action)).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if said:
        return dict(json.loads(said))
    killed = signal.Signals(-code).name if code < 0 else f"exit {code}"
    return {"passed": False if killed == "SIGSYS" else None, "why": f"ended by {killed}"}


def main(words: list[str]) -> None:
    """Try each action that is named, in order."""
    given = (word.partition("=") for word in words if "=" in word)
    GIVEN.update({key: value for key, _, value in given})
    if len(words) > MANY:
        with contextlib.suppress(CannotTryError):
            libc()  # once, and not in each child again
    print(json.dumps({name: attempt(name) for name in words if "=" not in name}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
