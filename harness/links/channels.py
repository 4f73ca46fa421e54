"""SSH channels as what the rest of the harness knows: byte streams, a process, a socket."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from paramiko.channel import Channel
from paramiko.ssh_exception import SSHException

from harness.errors import QuantumError
from harness.links.explaining import explain_exit

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

#: How much of stderr is kept, in bytes, and how much is moved at a time.
STDERR_KEPT = 8192
CHUNK = 65536
#: How long to wait for the exit status of a program whose output has ended, in seconds.
EXIT_WITHIN_S = 10.0


class _Reader(io.RawIOBase):
    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._channel.recv(len(view))
        view[: len(data)] = data
        return len(data)


class _Writer(io.RawIOBase):
    def __init__(self, channel: Channel, host: str) -> None:
        self._channel, self._host = channel, host

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        try:
            sent = self._channel.send(bytes(data))
        except (OSError, EOFError, SSHException) as error:
            raise BrokenPipeError(f"{self._host}: the other end is gone") from error
        if not sent:
            raise BrokenPipeError(f"{self._host}: the other end is gone")
        return sent

    def close(self) -> None:
        if not self.closed:
            with contextlib.suppress(OSError, EOFError, SSHException):
                self._channel.shutdown_write()
        super().close()


class ChannelProcess:
    """A program on the host at the other end of a channel (harness.links.link.Process).

    Reading waits as long as the connection lives: how long an answer may take is known to those
    who asked, and a dead connection ends it.
    """

    def __init__(self, channel: Channel, host: str) -> None:
        self._channel, self._host = channel, host
        self.stdin: BinaryIO = cast("BinaryIO", io.BufferedWriter(_Writer(channel, host), CHUNK))
        self.stdout: BinaryIO = cast("BinaryIO", io.BufferedReader(_Reader(channel), CHUNK))
        self._stderr = bytearray()
        # what nobody reads fills the window and stops the program
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def _keep_stderr(self) -> None:
        while data := self._channel.recv_stderr(CHUNK):
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]

    def stderr_tail(self) -> str:
        """Return the end of what the program wrote to stderr so far."""
        return bytes(self._stderr).decode(errors="replace")

    def exit_status(self, timeout_s: float = EXIT_WITHIN_S) -> int | None:
        """Return how it ended; None when it runs on after `timeout_s`, or the link broke."""
        if not self._channel.status_event.wait(timeout_s):
            return None
        status = self._channel.recv_exit_status()
        return None if status < 0 else status

    def explain(self) -> QuantumError | None:
        """Return why it ended, in words; None after a good end."""
        status = self.exit_status()
        self._drain.join(timeout=1 if status is None else EXIT_WITHIN_S)
        return explain_exit(status, self.stderr_tail(), host=self._host)

    def close(self) -> None:
        """End it; closing twice is fine."""
        with contextlib.suppress(OSError, EOFError, SSHException):
            self._channel.close()


def hang_up(client: Any) -> None:
    """Close a client's connection; closing twice is fine.

    Its reading thread looks up ten times a second: what wakes it spares everybody that wait.
    """
    with contextlib.suppress(OSError, EOFError, SSHException):
        if transport := client.get_transport():
            transport.sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError, EOFError, SSHException):
        client.close()


def as_socket(channel: Channel) -> socket.socket:
    """Return a real socket whose other end is the channel: two threads carry the bytes.

    Whichever side ends, the other ends too.
    """
    ours, inner = socket.socketpair()

    def inward() -> None:
        outer = threading.Thread(target=outward, daemon=True)
        outer.start()
        with contextlib.suppress(OSError, EOFError, SSHException):
            while data := channel.recv(CHUNK):
                inner.sendall(data)
        with contextlib.suppress(OSError):
            inner.shutdown(socket.SHUT_RDWR)
        outer.join()
        inner.close()

    def outward() -> None:
        with contextlib.suppress(OSError, EOFError, SSHException):
            while data := inner.recv(CHUNK):
                channel.sendall(data)
        with contextlib.suppress(OSError, EOFError, SSHException):
            channel.close()

    channel.settimeout(None)
    threading.Thread(target=inward, daemon=True).start()
    return ours
