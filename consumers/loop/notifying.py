"""Tell systemd how the service stands; without systemd, say nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping


class Notifier:
    """READY, STATUS, WATCHDOG and STOPPING, over the socket that systemd gave.

    The watchdog is fed by whoever made progress, so that a loop that hangs is seen to hang.
    """

    def __init__(
        self, environ: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._socket: socket.socket | None = None
        self._status = ""
        self._feed_again = 0.0
        self._feed_every_s = _watchdog_s(environ) / 4
        address = environ.get("NOTIFY_SOCKET", "")
        if address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            # a leading @ stands for the NUL of an abstract name
            self._address = "\0" + address[1:] if address[0] == "@" else address

    def ready(self) -> None:
        """Say that the service works."""
        self._send("READY=1")

    def stopping(self) -> None:
        """Say that the service is on its way out."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Say in words how it goes; the same words twice are said once."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def progress(self) -> None:
        """Feed the watchdog, if it is time."""
        if self._feed_every_s and self._clock() >= self._feed_again:
            self._feed_again = self._clock() + self._feed_every_s
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if self._socket is not None:
            # systemd gone or busy for a moment is no reason to stop counting, nor to wait
            with contextlib.suppress(OSError):
                self._socket.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """Return the watchdog's deadline for this process in seconds, 0 for none."""
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds.isdigit() or environ.get("WATCHDOG_PID", str(os.getpid())) != str(
        os.getpid()
    ):
        return 0.0
    return int(microseconds) / 1e6
