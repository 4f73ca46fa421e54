"""Open a way to a host by Fabric, one sshd after the other, all of it by one deadline."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import fabric
import paramiko
from paramiko.pkey import PKey
from paramiko.ssh_exception import AuthenticationException, BadHostKeyException, SSHException

from harness.errors import HostKeyError, QuantumError, UnreachableError
from harness.host import Host
from harness.links import known_hosts
from harness.links.eager import EagerTransport
from harness.links.identities import Identities
from harness.links.known_hosts import Destination
from harness.links.proxy_command import ProgramSocket
from harness.links.route import Hop
from harness.links.ssh_failures import late, opening
from harness.links.trying_again import NotLetInError

#: A sent keepalive that stays unacknowledged for the second breaks the connection.
KEEPALIVE_S, UNACKNOWLEDGED_S = 10, 30

# its background threads log tracebacks of what is raised here as an error anyway
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Way:
    """The hops that are open so far; whatever goes wrong closes them all."""

    def __init__(self, host: Host, until: float, deadline_s: float) -> None:
        self._host, self._until, self._deadline_s = host, until, deadline_s
        self._hop: Hop | None = None
        self._before: Hop | None = None
        self._expired = threading.Event()
        self._open: list[Any] = []  #: whatever can be closed, in the order in which it was opened
        self.connections: list[Any] = []

    @contextlib.contextmanager
    def by_the_deadline(self) -> Iterator[None]:
        """Close everything when the time is over, which ends whatever waits inside."""
        timer = threading.Timer(self._left(), self._give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (QuantumError, NotLetInError) as error:
            self.close()
            # a socket's own clock may strike before the timer does
            over = self._expired.is_set() or time.monotonic() >= self._until
            if over and not isinstance(error, HostKeyError):
                raise self._late() from error
            raise
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
        if self._expired.is_set():
            self.close()
            raise self._late()

    def enter(self, hop: Hop) -> None:
        """Connect to a hop through those that are open, and log in."""
        before, self._hop = self._before, hop
        with opening(self._host, hop, before):
            sock = self._sock(hop)
            connection = self._prepared(hop, sock)
            self.connections.append(connection)
            self._open.append(connection.client)
            with _explained(sock):
                try:
                    connection.open()
                except BadHostKeyException as error:
                    raise known_hosts.changed(hop.where, error.key, [error.expected_key]) from error
            connection.transport.set_keepalive(KEEPALIVE_S)
        self._before = hop

    def key_of(self, hop: Hop) -> PKey:
        """Return the key that a hop shows."""
        before, self._hop = self._before, hop
        with opening(self._host, hop, before):
            sock = self._sock(hop)
            transport = paramiko.Transport(sock)
            self._open.append(transport)
            transport.banner_timeout = self._left()
            _ask_for_known_kinds(transport, hop.where)
            with _explained(sock):
                transport.start_client(timeout=self._left())
            return transport.get_remote_server_key()

    def close(self) -> None:
        """Close what is open, the last first."""
        for each in reversed(self._open):
            with contextlib.suppress(OSError, EOFError, SSHException):
                each.close()

    def _sock(self, hop: Hop) -> Any:
        if self.connections:
            sock: Any = self.connections[-1].transport.open_channel(
                "direct-tcpip", hop.place, ("127.0.0.1", 0), timeout=self._left()
            )
        elif hop.command:
            sock = ProgramSocket(hop.command)
        else:
            sock = _tcp(*hop.place, self._until)
        self._open.append(sock)
        return sock

    def _prepared(self, hop: Hop, sock: Any) -> Any:
        """Return Fabric's connection, not opened, with our word on host keys and on ours."""
        connection = fabric.Connection(
            hop.where.hostname,
            user=hop.user,
            port=hop.where.port,
            config=_settings(),
            gateway=False,
            forward_agent=False,
            connect_kwargs={
                "sock": sock,
                "banner_timeout": self._left(),
                "auth_timeout": self._left(),
                "channel_timeout": self._left(),
                "auth_strategy": Identities(hop, self._until),
                "transport_factory": EagerTransport,
            },
        )
        connection.client.set_missing_host_key_policy(_Refuse(hop.where))
        trusted = connection.client.get_host_keys()
        for kind, key in known_hosts.keys_for(hop.where).items():
            trusted.add(hop.where.address, kind, key)
        return connection

    def _left(self) -> float:
        return max(0.1, self._until - time.monotonic())

    def _give_up(self) -> None:
        self._expired.set()
        for connection in self.connections:
            if transport := connection.client.get_transport():
                transport.close()

    def _late(self) -> UnreachableError:
        assert self._hop
        return late(self._host, self._deadline_s, self._hop, self._before)


@contextlib.contextmanager
def _explained(sock: Any) -> Iterator[None]:
    """Let a ProxyCommand that has ended say why; a banner that does not come says nothing."""
    try:
        yield
    except (OSError, EOFError, SSHException) as error:
        why = sock.why() if isinstance(sock, ProgramSocket) else ""
        if why and not isinstance(error, AuthenticationException):
            raise ConnectionResetError(0, why) from error
        raise


def _ask_for_known_kinds(transport: paramiko.Transport, where: Destination) -> None:
    """Prefer the kinds of key that are trusted already: another kind is no changed key."""
    trusted = {"rsa" if "rsa" in kind else kind for kind in known_hosts.keys_for(where)}
    options = transport.get_security_options()
    options.key_types = sorted(
        options.key_types, key=lambda kind: ("rsa" if "rsa" in kind else kind) not in trusted
    )


class _Refuse(paramiko.MissingHostKeyPolicy):
    """RejectPolicy with an error that says what to type."""

    def __init__(self, where: Destination) -> None:
        self._where = where

    def missing_host_key(self, client: object, hostname: str, key: PKey) -> None:
        del client, hostname
        raise known_hosts.unknown(self._where, key)


def _settings() -> Any:
    # what ssh_config says is in the hops already; one for each connection, since Fabric changes it
    # while it connects, and threads that share one find it half made
    return fabric.Config(ssh_config=paramiko.SSHConfig())


def _tcp(hostname: str, port: int, until: float) -> socket.socket:
    """Connect to the first address that answers; gives up at `until`, monotonic seconds."""
    failure: OSError = TimeoutError()
    for family, kind, protocol, _, address in socket.getaddrinfo(
        hostname, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(max(0.1, until - time.monotonic()))
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
            continue
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_S * 1000)
        return sock
    raise failure
