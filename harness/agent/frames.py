"""The wire: one JSON line and then `size` raw bytes, with a deadline on every wait."""

from __future__ import annotations

import hashlib
import json
import os
import select
import time
from collections.abc import Sequence

from .failing import AgentError, GoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: No frame is larger than this, in bytes; a release with its dependencies is about two million.
LARGEST_BODY = 512 * 1024 * 1024
LARGEST_LINE = 64 * 1024 * 1024
#: What fits into a pipe that select calls writable, in bytes.
PIPE_ATOM = 4096
#: How long the laptop may take to read what it is sent, in seconds.
WRITE_WITHIN_S = 120.0


class Channel:
    """Frames over two file descriptors; the end of input is a GoneError."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._buffer = bytearray()
        self._ended = False

    def receive(self, within_s: float) -> tuple[dict[str, Any], bytes]:
        """Return the next frame and its body; raises GoneError on EOF or silence."""
        deadline = time.monotonic() + within_s
        while b"\n" not in self._buffer:
            if len(self._buffer) > LARGEST_LINE:
                raise GoneError("the laptop sent a line without an end")
            self._fill(deadline)
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        try:
            frame = json.loads(line)
            size = int(frame.get("size", 0))
        except (ValueError, AttributeError, TypeError):
            raise AgentError("request", "a frame is not a JSON object") from None
        if not 0 <= size <= LARGEST_BODY:
            raise GoneError(f"the laptop announced a body of {size} bytes")
        while len(self._buffer) < size:
            self._fill(deadline)
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return frame, body

    def send(self, frame: dict[str, Any]) -> None:
        """Write one frame; raises GoneError when nobody reads it."""
        data = memoryview(json.dumps(frame, separators=(",", ":")).encode() + b"\n")
        deadline = time.monotonic() + WRITE_WITHIN_S
        while data:
            _, writable, _ = select.select([], [self._outgoing], [], _left(deadline))
            if not writable:
                raise GoneError("the laptop stopped reading")
            try:
                data = data[os.write(self._outgoing, data[:PIPE_ATOM]) :]
            except OSError:
                raise GoneError("the laptop closed the connection") from None

    def blobs(self, announced: Sequence[str], within_s: float) -> dict[str, bytes]:
        """Return the contents that follow a request, each by its SHA-256."""
        found = {}
        for _ in announced:
            frame, body = self.receive(within_s)
            if hashlib.sha256(body).hexdigest() != frame.get("blob"):
                raise GoneError("a content was damaged on its way")
            found[frame["blob"]] = body
        return found

    def check(self) -> None:
        """Raise GoneError when the laptop has left; keeps what it sent ahead of time."""
        if self._ended:
            raise GoneError("the laptop left")
        readable, _, _ = select.select([self._incoming], [], [], 0)
        if readable:
            self._fill(time.monotonic() + 1)

    def _fill(self, deadline: float) -> None:
        readable, _, _ = select.select([self._incoming], [], [], _left(deadline))
        if not readable:
            raise GoneError("the laptop fell silent")
        data = os.read(self._incoming, 1 << 18)
        if not data:
            self._ended = True
            raise GoneError("the laptop left")
        self._buffer += data


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
