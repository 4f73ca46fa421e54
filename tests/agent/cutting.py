"""A link between a laptop and a real agent that breaks in the middle of a chosen frame."""

import contextlib
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass

from harness.bootstrap import command
from harness.session import Session

TO_HOST, TO_LAPTOP = "to the host", "to the laptop"
BEFORE, WITHIN = "before", "within"


@dataclass(frozen=True)
class Cut:
    """Where the link breaks: which way, in the how manieth frame from 1, before or within it."""

    way: str
    frame: int
    where: str


class Line:
    """Both ways of one link; every write is a frame to the host, every line one to the laptop."""

    def __init__(self, cut: Cut | None = None) -> None:
        self.cut = cut
        self.frames = {TO_HOST: 0, TO_LAPTOP: 0}
        self.laptop, self.host = socket.socketpair()
        self._lines = self.laptop.makefile("rb")
        self._lock = threading.Lock()

    def write(self, data: bytes) -> int:
        """Carry one frame to the host, as far as the link lasts."""
        part = self._carried(TO_HOST, data)
        self.laptop.sendall(part)
        if part is not data:
            self._break()
            raise BrokenPipeError("the link is cut")
        return len(data)

    def flush(self) -> None:
        """Do nothing: it is sent at once."""

    def close(self) -> None:
        """End what goes to the host; what comes from it may still come."""
        with contextlib.suppress(OSError):
            self.laptop.shutdown(socket.SHUT_WR)

    def readline(self) -> bytes:
        """Carry one frame to the laptop, as far as the link lasts."""
        line = self._lines.readline()
        part = self._carried(TO_LAPTOP, line) if line else line
        if part is not line:
            self._break()
        return part

    def free(self) -> None:
        """Give the sockets back."""
        self._lines.close()
        self.laptop.close()

    def _carried(self, way: str, data: bytes) -> bytes:
        with self._lock:
            self.frames[way] += 1
            if self.cut is None or (way, self.frames[way]) != (self.cut.way, self.cut.frame):
                return data
        return data[: len(data) // 2 if self.cut.where == WITHIN else 0]

    def _break(self) -> None:
        """Nothing goes either way any more; what the host has received by then, it has."""
        with contextlib.suppress(OSError):
            self.laptop.shutdown(socket.SHUT_RDWR)


def connect(line: Line, on_event) -> tuple[Session, subprocess.Popen]:
    """Start a real agent at the other end of the line."""
    words = command(become=False, python=sys.executable)
    process = subprocess.Popen(words, stdin=line.host, stdout=line.host)
    line.host.close()
    return Session(line, line, host="h", on_event=on_event), process
