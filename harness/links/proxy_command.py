"""ProxyCommand: a program of the laptop that carries the bytes, as a socket."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading

#: How much of what the program complained of is kept, in bytes.
KEPT = 4096
#: How long the program may take to end once its end of the socket is closed, in seconds.
ENDS_WITHIN_S = 1.0


class ProgramSocket(socket.socket):
    """A socket whose other end is a program's stdin and stdout; closing it ends the program."""

    def __init__(self, command: str) -> None:
        ours, theirs = socket.socketpair()
        super().__init__(ours.family, ours.type, ours.proto, fileno=ours.detach())
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the socket
        self._closing = threading.Lock()
        with theirs:
            # in a session of its own: it can ask nobody, and Ctrl-C is ours to answer
            self._process = subprocess.Popen(
                ("/bin/sh", "-c", f"exec {command}"), stdin=theirs.fileno(), stdout=theirs.fileno(),
                stderr=self._complaints, start_new_session=True,
            )  # fmt: skip

    def why(self) -> str:
        """Return how the program ended and its last words; empty while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._process.wait(ENDS_WITHIN_S)
            size = os.fstat(self._complaints.fileno()).st_size
            said = os.pread(self._complaints.fileno(), KEPT, max(0, size - KEPT))
            lines = said.decode(errors="replace").strip().splitlines()
            return (
                f"the ProxyCommand ended with {code}: {lines[-1] if lines else 'it said nothing'}"
            )
        return ""

    def close(self) -> None:
        """Close the socket and end the program; closing twice is fine."""
        super().close()
        with self._closing:
            if self._process.returncode is not None:
                return
            try:
                self._process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
