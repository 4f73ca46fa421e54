"""Read what MONITOR tells: few of its lines are wanted, and the rest costs next to nothing.

The server keeps what is not read yet in its memory, without a limit, so reading never waits.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

from streams import keys
from streams.intents import RECORD_PREFIX

WITHIN_S = 10.0
CHUNK = 1 << 18
XACK, HSET = "XACK", "HSET"
XPENDING, XCLAIM, XAUTOCLAIM = "XPENDING", "XCLAIM", "XAUTOCLAIM"
SET, DEL = "SET", "DEL"
#: What is wanted has so many words with its name.
LEAST = {XACK: 4, HSET: 4, XPENDING: 3, XCLAIM: 6, XAUTOCLAIM: 6, SET: 3, DEL: 2}
#: How a command begins that is wanted whatever it is about; and one that is so about some keys.
_ALWAYS = frozenset({b'XACK"', b"XPEND", b"XCLAI", b"XAUTO"})
#: Who ran a command, and its name, stand in so many bytes.
LUA_WITHIN = 48

_when = re.compile(rb"\+(\d+)\.(\d{6}) ").match
_quoted = re.compile(rb'"((?:[^"\\]|\\.)*)"').findall
_escape = re.compile(rb"\\(x[0-9a-f]{2}|.)", re.DOTALL)
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
_ABOUT = {
    b'HSET"': f' "{RECORD_PREFIX}'.encode(),
    b'SET" ': f'"{keys.heartbeat("", "")[:-1]}'.encode(),
    b'DEL" ': f'"{keys.heartbeat("", "")[:-1]}'.encode(),
}


class Seen(NamedTuple):
    """A command that was run, by Redis's clock."""

    wall_ns: int
    command: str
    words: list[str]
    script: int = 0  #: which one ran it, 0 for none


class Monitor:
    """A link of its own that is told every command; raises OSError where there is none."""

    def __init__(self, client: Any) -> None:
        at = client.connection_pool.connection_kwargs
        if "host" not in at or "ssl_cert_reqs" in at:
            raise OSError("only a plain link to Redis can be watched")
        if "link" in at:
            self._socket: socket.socket = at["link"].dial(at["host"], at["port"])
        else:
            self._socket = socket.create_connection((at["host"], at["port"]), WITHIN_S)
        self._socket.settimeout(WITHIN_S)
        self._rest = b""
        try:
            if at.get("password"):
                self._ask(b"AUTH", (at.get("username") or "default").encode(), _bytes(at))
            self._ask(b"MONITOR")
        except OSError:
            self.close()
            raise
        self._socket.settimeout(None)

    def _ask(self, *words: bytes) -> None:
        """Say a command and hear OK."""
        said = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        self._socket.sendall(b"*%d\r\n%b" % (len(words), said))
        while b"\r\n" not in self._rest:
            if not (more := self._socket.recv(CHUNK)):
                raise OSError("Redis hung up")
            self._rest += more
        answer, _, self._rest = self._rest.partition(b"\r\n")
        if answer != b"+OK":
            raise OSError(f"Redis says {answer.decode('utf-8', 'replace')}")

    def parts(self, until: str) -> Iterator[list[Seen]]:
        """Yield what is wanted of each part that arrives, until somebody says `until`.

        Raises OSError where the link breaks before.
        """
        marker = f'"{until}"'.encode()
        script = Script()
        while True:
            *lines, self._rest = self._rest.split(b"\r\n")
            if found := [seen for line in lines for seen in script.heard(line)]:
                yield found
            if any(marker in line for line in lines):
                return
            if not (more := self._socket.recv(CHUNK)):
                raise OSError("Redis hung up")
            self._rest += more

    def close(self) -> None:
        """Hang up; whoever reads hears of it."""
        with contextlib.suppress(OSError):  # it was broken already
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Script:
    """What a script acknowledges before it adds something counts from when the script was over.

    All that it does happens at once, but each line and each new id has a time of its own.
    """

    def __init__(self) -> None:
        self._acks: list[Seen] = []
        self._adds = False
        self._number = 1

    def heard(self, line: bytes) -> list[Seen]:
        """Return what is certain after one more line."""
        seen = wanted(line)
        within = b" lua] " in line[:LUA_WITHIN]
        if not within:
            self._number += 1
        elif seen is not None:
            seen = seen._replace(script=self._number)
        if within and seen is not None and seen.command == XACK:
            self._acks.append(seen)
            return []
        if not self._acks:
            return [] if seen is None else [seen]
        if within:
            self._adds = self._adds or b'] "XADD"' in line[:LUA_WITHIN].upper()
            return [] if seen is None else [seen]
        acks, self._acks, late, self._adds = self._acks, [], self._adds, False
        when = _when(line)
        if late and when is not None:
            acks = [each._replace(wall_ns=_ns(when)) for each in acks]
        return acks if seen is None else [*acks, seen]


def wanted(line: bytes) -> Seen | None:
    """Return what acknowledges, claims, writes a record or is a heartbeat; else None. Pure."""
    at = line.find(b'"')
    command = line[at + 1 : at + 6].upper()
    about = _ABOUT.get(command)
    if command in _ALWAYS or (about is not None and line.startswith(about, at + 6)):
        when = _when(line)
        words = [_unescaped(each) for each in _quoted(line, at)]
        if when is None or len(words) < LEAST.get(words[0].upper(), len(words) + 1):
            raise ValueError(f"no line of MONITOR: {line[:100]!r}")
        return Seen(_ns(when), words[0].upper(), words[1:])
    return None


def _ns(when: re.Match[bytes]) -> int:
    return int(when[1] + when[2]) * 1_000


def _unescaped(word: bytes) -> str:
    if b"\\" in word:
        word = _escape.sub(_meant, word)
    return word.decode("utf-8", "replace")


def _meant(found: re.Match[bytes]) -> bytes:
    letter = found[1]
    return bytes.fromhex(letter[1:].decode()) if len(letter) > 1 else _SHORT.get(letter, letter)


def _bytes(at: Any) -> bytes:
    password = at["password"]
    return password if isinstance(password, bytes) else str(password).encode()
