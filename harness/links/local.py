"""Make this machine a host that needs no connection, for the sandbox (harness.links.link.Link)."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from typing import BinaryIO, Self

from harness.errors import QuantumError, UnreachableError
from harness.host import Host
from harness.links.explaining import explain_exit

#: How long a program may take to end by itself once its stdin is closed, in seconds: the agent
#: puts back what was not committed.
ENDS_WITHIN_S = 30.0
DIAL_WITHIN_S = 20.0
#: How much of stderr is kept, in bytes.
STDERR_KEPT = 8192


class LocalProcess:
    """A program on this machine (harness.links.link.Process)."""

    def __init__(self, words: tuple[str, ...], host: str) -> None:
        self._host = host
        # a session of its own: Ctrl-C is for the laptop's side, which then ends this one in order
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        self.stdin: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self.stdout: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._stderr = bytearray()
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def _keep_stderr(self) -> None:
        assert self._process.stderr
        while data := self._process.stderr.read1(STDERR_KEPT):  # type: ignore[attr-defined]
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]

    def stderr_tail(self) -> str:
        """Return the end of what the program wrote to stderr so far."""
        return bytes(self._stderr).decode(errors="replace")

    def exit_status(self, timeout_s: float = 10.0) -> int | None:
        """Return how it ended, None when it runs on after `timeout_s`."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def explain(self) -> QuantumError | None:
        """Return why it ended, in words; None after a good end."""
        status = self.exit_status()
        self._drain.join(timeout=1)
        return explain_exit(status, self.stderr_tail(), host=self._host)

    def close(self) -> None:
        """End it: first by closing its stdin, then by force; closing twice is fine."""
        with contextlib.suppress(OSError):
            self.stdin.close()
        if self.exit_status(ENDS_WITHIN_S) is None:
            self._process.kill()
            self._process.wait()
        self._drain.join(timeout=1)
        for stream in (self.stdout, self._process.stderr):
            if stream:
                stream.close()


class LocalLink:
    """The way to the host that is this machine."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._processes: list[LocalProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exec(self, words: tuple[str, ...], *, deadline_s: float | None = None) -> LocalProcess:
        """Start a program, which takes no waiting; raises UnreachableError when it cannot be."""
        del deadline_s
        try:
            process = LocalProcess(words, self._host.name)
        except OSError as error:
            raise UnreachableError(
                f"{words[0]}: {error.strerror}", host=self._host.name, step="starting a program"
            ) from error
        self._processes.append(process)
        return process

    def dial(self, address: str, port: int) -> socket.socket:
        """Connect to an address; raises UnreachableError."""
        try:
            sock = socket.create_connection((address, port), DIAL_WITHIN_S)
        except OSError as error:
            raise UnreachableError(
                (error.strerror or "no answer in time").lower(),
                host=self._host.name,
                step=f"reaching {address}:{port}",
                action="check that it listens there",
            ) from error
        sock.settimeout(None)
        return sock

    def close(self) -> None:
        """End the programs that still run; closing twice is fine."""
        while self._processes:
            self._processes.pop().close()
