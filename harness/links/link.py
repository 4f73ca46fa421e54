"""What the harness needs of a way to a host: run one program, dial one address, close."""

from __future__ import annotations

import socket
from typing import BinaryIO, Protocol

from harness.errors import QuantumError


class Process(Protocol):
    """A program that runs on the host.

    `stdout` ends with b"" when the program or the link does; `stdin` raises BrokenPipeError when
    the other end is gone. Either way `explain()` says why.
    """

    @property
    def stdin(self) -> BinaryIO:
        """Return what the program reads; closing it is its end of file."""

    @property
    def stdout(self) -> BinaryIO:
        """Return what the program writes."""

    def stderr_tail(self) -> str:
        """Return the end of what the program wrote to stderr so far."""

    def exit_status(self, timeout_s: float = 10.0) -> int | None:
        """Return how it ended; None when it runs on after `timeout_s`, or the link broke."""

    def explain(self) -> QuantumError | None:
        """Return why it ended, in words with host, cause and action; None after a good end."""

    def close(self) -> None:
        """End it; closing twice is fine."""


class Link(Protocol):
    """A host within reach."""

    def exec(self, words: tuple[str, ...], *, deadline_s: float | None = None) -> Process:
        """Start a program, over a connection in `deadline_s` seconds; raises UnreachableError."""

    def dial(self, address: str, port: int) -> socket.socket:
        """Connect to an address as the host sees it; raises UnreachableError."""

    def close(self) -> None:
        """End everything that runs over the link; closing twice is fine."""
