"""Be /usr/bin/redis-server in the sandbox: run a server, and say READY for it when it is.

`--supervised systemd` needs a server built with libsystemd, which wheels and macOS do not have. A
private socket tells that it is this very server that answers, not another on the same port.
Run as a script: nothing of the project is imported.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time

READY_WITHIN_S = 120.0
LOOK_EVERY_S = 0.02


def main(binary: str, words: list[str]) -> None:
    """Become the server; a grandchild that outlives nothing waits for it to answer."""
    notify = os.environ.get("NOTIFY_SOCKET", "")
    if notify and "systemd" in words:
        private, server = f"{notify}r", os.getpid()
        child = os.fork()
        if not child:
            # one more, so that the server has no child that it does not know
            if not os.fork():
                say_ready(private, notify, server)
            os._exit(0)
        os.waitpid(child, 0)
        words = [*words, "--unixsocket", private, "--unixsocketperm", "700"]
    os.execv(binary, ["redis-server", *words])  # noqa: S606 - there is to be no shell


def say_ready(private: str, notify: str, server: int) -> None:
    """Ask until the server answers, a refused login included, but not while it loads."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and alive(server):
        if answer(private).startswith((b"+PONG", b"-NOAUTH")):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.sendto(b"READY=1\nSTATUS=Ready to accept connections", notify)
            return
        time.sleep(LOOK_EVERY_S)


def answer(private: str) -> bytes:
    """Return what the server says to a PING, nothing when it says nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        line.connect(private)
        line.sendall(b"PING\r\n")
        return line.recv(64)
    return b""


def alive(pid: int) -> bool:
    """Tell whether a process of ours is there."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
