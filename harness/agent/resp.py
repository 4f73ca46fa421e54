"""Speak to a Redis of this host: the few words that a fault needs, under a deadline."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import IO, Any

from .failing import AgentError
from .machine import Machine

LARGEST_PASSWORD = 4096


class Redis:
    """One connection that is logged in."""

    def __init__(self, line: socket.socket, answers: IO[bytes]) -> None:
        self._line, self._answers = line, answers

    def ask(self, *words: str) -> Any:
        """Return the answer to one command; raises AgentError for an error, OSError for a link."""
        raw = [word.encode() for word in words]
        parts = [b"*%d\r\n" % len(raw)] + [b"$%d\r\n%s\r\n" % (len(each), each) for each in raw]
        self._line.sendall(b"".join(parts))
        answer = self._read()
        if isinstance(answer, AgentError):
            raise answer
        return answer

    def pairs(self, *words: str) -> dict[str, str]:
        """Return an answer of names and values, one after the other."""
        said = iter(self.ask(*words))
        return {name: next(said) for name in said}

    def _read(self) -> Any:
        line = self._answers.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("Redis hung up")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            return AgentError("refused", f"Redis says: {rest}")
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._bulk(int(rest))
        if kind == b"*":
            return [self._read() for _ in range(int(rest))]
        raise ConnectionResetError(f"Redis answers in an unknown way: {line[:20]!r}")

    def _bulk(self, size: int) -> str:
        raw = self._answers.read(size + 2)
        if len(raw) != size + 2:
            raise ConnectionResetError("Redis hung up")
        return raw[:-2].decode(errors="replace")


@contextlib.contextmanager
def connected(machine: Machine, where: dict[str, Any], within_s: float) -> Iterator[Redis]:
    """Yield a connection to `where`: host, port, user, password_file. Raises OSError, AgentError.

    The password is read from its file on the host each time, and kept nowhere.
    """
    with socket.create_connection((where["host"], where["port"]), within_s) as line:
        line.settimeout(within_s)
        with line.makefile("rb") as answers:
            redis = Redis(line, answers)
            if where["password_file"]:
                password = _password(machine, where["password_file"])
                redis.ask("AUTH", *([where["user"]] if where["user"] else []), password)
            yield redis


def _password(machine: Machine, path: str) -> str:
    try:
        with open(machine.at(path), "rb") as file:
            return file.read(LARGEST_PASSWORD).decode().strip()
    except (OSError, ValueError):
        raise AgentError("refused", f"no password can be read from {path}") from None
