"""Open a connection to the one allowed place; nothing of a request leaves before it stands."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from consumers.exchanges import NotSent
from consumers.exchanges.hosts import Origin


def reach(origin: Origin, deadline: float, trust: Callable[[], ssl.SSLContext]) -> socket.socket:
    """Return a connected socket, with TLS where the origin wants it.

    deadline: on time.monotonic()'s clock. No proxy of the environment is looked at.
    Raises NotSent, and no other exception.
    """
    cause = f"no address of {origin.host} answers"
    for family, address in addresses(origin, deadline):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(left(deadline))
            made.connect(address)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            refuse_strangers(origin, made.getpeername()[0])
            made.settimeout(left(deadline))
            if origin.scheme == "https":
                return trust().wrap_socket(made, server_hostname=origin.host)
        except NotSent:
            made.close()
            raise
        except (OSError, ValueError) as error:
            made.close()
            cause = f"{origin.host}:{origin.port}: {error}"
        else:
            return made
    raise NotSent(cause)


def addresses(origin: Origin, deadline: float) -> list[tuple[int, Any]]:
    """Return (family, address) of the host, asked for in a thread since no call can limit it."""
    found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=ask, name="resolving", daemon=True).start()
    try:
        answer = found.get(timeout=left(deadline))
    except queue.Empty:
        answer = TimeoutError("no name server answered in time")
    if isinstance(answer, Exception):
        raise NotSent(f"{origin.host} has no address: {answer}")
    return [(family, address) for family, _, _, _, address in answer]


def refuse_strangers(origin: Origin, peer: str) -> None:
    """Raise NotSent where a name of this machine led to another one (a line in /etc/hosts)."""
    if origin.loopback and not ipaddress.ip_address(peer).is_loopback:
        raise NotSent(f"{origin.host} leads to {peer}, which is not this machine")


def left(deadline: float) -> float:
    """Return the seconds until `deadline`. Raises NotSent where none is left."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise NotSent("the time for this call was over before it was sent")
    return seconds
