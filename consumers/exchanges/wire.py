"""Carry one request there and its answer back: once, to one place, within one deadline.

It stands in for the transport of `requests`, which may follow a redirect, obey a proxy of the
environment, send again on a stale connection, and waits anew for each byte that drips in.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from consumers.exchanges import NotSent, OutcomeUnknown
from consumers.exchanges.answers import failure
from consumers.exchanges.hosts import Origin, refusal
from consumers.exchanges.reaching import left, reach

#: How long a connection may have been idle to be used again, in seconds: well below any server's
#: patience, since one that closes while we send leaves the outcome unknown.
IDLE_S = 15.0
#: The longest answer that is read, in bytes; all symbols' rules are about 2 MB.
MOST_BYTES = 16_777_216
SUCCESS = range(200, 300)


class Session(requests.Session):
    """A session that sends by `wire` alone, and nowhere but where it was told to."""

    def __init__(self, wire: BaseAdapter) -> None:
        super().__init__()
        # no proxy, no .netrc, no bundle of certificates out of the environment
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", wire)
        self.mount("http://", wire)

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """No answer sends us elsewhere."""
        return


class Wire(BaseAdapter):
    """A transport for one origin; for one thread."""

    def __init__(self, mode: str, origin: Origin, timeout_s: float) -> None:
        super().__init__()
        self._mode, self._origin, self._timeout_s = mode, origin, timeout_s
        self._deadline = 0.0
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0
        self._trust: ssl.SSLContext | None = None

    def begin(self) -> None:
        """Start the clock: every request from here on shares one deadline."""
        self._deadline = time.monotonic() + self._timeout_s

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, **_ignored: Any
    ) -> requests.Response:
        """Return a successful answer (2xx).

        Raises NotSent where nothing left, else what `failure` makes of the answer, else
        OutcomeUnknown.
        """
        self._refuse_elsewhere(request.url or "")
        connection = self._ready()
        sock = connection.sock
        unknown = ""
        with cut_at(self._deadline, sock) as late:
            try:
                connection.request(
                    request.method or "",
                    request.path_url,
                    body=body_bytes(request.body),
                    headers={name: text(value) for name, value in request.headers.items()},
                )
                answer = connection.getresponse()
                body = read(answer)
            except Exception as error:  # noqa: BLE001  whatever it is, the request may have left
                unknown = f"no whole answer ({type(error).__name__})"
        # the socket's own clock may strike first: it was set to the same deadline
        if late.is_set() or (unknown and time.monotonic() >= self._deadline):
            unknown = f"no whole answer within {self._timeout_s:g} s"
        if unknown:
            self.close()
            raise OutcomeUnknown(unknown)
        self._used_at = time.monotonic()
        headers = CaseInsensitiveDict(answer.getheaders())
        if answer.status not in SUCCESS:
            raise failure(answer.status, headers, body)
        return response(answer.status, headers, body, request)

    def close(self) -> None:
        """Forget the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _refuse_elsewhere(self, url: str) -> None:
        """Look a last time before anything leaves, whatever was decided at the start."""
        refused = refusal(self._mode, self._origin)
        if refused:
            raise NotSent(refused)
        if not url.startswith(f"{self._origin.url}/fapi/") or "@" in urlsplit(url).netloc:
            raise NotSent(f"a request to elsewhere than {self._origin.url}/fapi/")

    def _ready(self) -> http.client.HTTPConnection:
        if self._connection is not None and not self._usable(self._connection):
            self.close()
        if self._connection is None:
            sock = reach(self._origin, self._deadline, self._trusted)
            self._connection = http.client.HTTPConnection(self._origin.host, self._origin.port)
            # never opens another one by itself
            self._connection.auto_open = 0
            self._connection.sock = sock
        self._connection.sock.settimeout(left(self._deadline))
        return self._connection

    def _usable(self, connection: http.client.HTTPConnection) -> bool:
        if connection.sock is None or time.monotonic() - self._used_at > IDLE_S:
            return False
        # something to read before we asked is the end of it
        return not select.select([connection.sock], [], [], 0)[0]

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=certifi.where())
        return self._trust


@contextlib.contextmanager
def cut_at(deadline: float, sock: socket.socket) -> Iterator[threading.Event]:
    """Shut `sock` at `deadline`, whatever it waits for; the event says that it was done."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            # the plain one: an SSL socket's own would pull its state from under the reader
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def read(answer: http.client.HTTPResponse) -> bytes:
    """Return the whole body. Raises ValueError for one that is cut off or too long."""
    body = answer.read(MOST_BYTES + 1)
    if answer.length or len(body) > MOST_BYTES:
        raise ValueError(len(body))
    return body


def response(
    status: int, headers: CaseInsensitiveDict[str], body: bytes, request: requests.PreparedRequest
) -> requests.Response:
    """Return what `requests` would have made of it."""
    made = requests.Response()
    made.status_code, made.headers, made.request = status, headers, request
    # said, because guessing it costs seconds where the answer is long
    made.encoding = "utf-8"
    made.raw = io.BytesIO(body)
    return made


def body_bytes(body: Any) -> bytes:
    """Return what to send after the headers. Raises TypeError for what is no text."""
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def text(value: str | bytes) -> str:
    """Return a header's value as text."""
    return value if isinstance(value, str) else value.decode("latin-1")
