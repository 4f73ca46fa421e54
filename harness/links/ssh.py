"""One SSH connection to a host by Fabric: run a program, dial through it, refuse unknown keys."""

from __future__ import annotations

import functools
import logging
import random
import shlex
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import fabric
import paramiko
from paramiko.pkey import PKey
from paramiko.ssh_exception import BadHostKeyException, SSHException

from harness.errors import ConfigurationError, QuantumError, UnreachableError
from harness.host import Host
from harness.links import known_hosts, private_keys
from harness.links.channels import ChannelProcess, as_socket, hang_up
from harness.links.eager import EagerTransport
from harness.links.known_hosts import Destination
from harness.links.ssh_failures import by_hand, late, translated
from harness.links.trying_again import Means, NotLetInError, persistently

#: Connecting, with everything that belongs to it, takes no longer, in seconds.
CONNECT_WITHIN_S = 20.0
#: Opening one more channel on a living connection, in seconds.
CHANNEL_WITHIN_S = 20.0
#: A sent keepalive that stays unacknowledged for the second breaks the connection.
KEEPALIVE_S, UNACKNOWLEDGED_S = 10, 30
#: sshd hangs up early on some of many at once (MaxStartups): what trying again needs.
MEANS = Means(time.monotonic, random.random, time.sleep)
USUAL_FILES = (Path("~/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))

# its background threads log tracebacks of what is raised here as an error anyway
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)


class Connection:
    """A host reached over SSH (a Link); use it as a context manager or close it."""

    def __init__(self, host: Host, connection: Any) -> None:
        self._host = host
        self._connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exec(self, words: tuple[str, ...]) -> ChannelProcess:
        """Start a program; the words are quoted once, here. Raises UnreachableError."""
        transport = self._transport("starting a program")
        # paramiko waits for the answer to exec for ever
        watch = threading.Timer(CHANNEL_WITHIN_S, transport.close)
        watch.daemon = True
        watch.start()
        try:
            with translated(self._host, "starting a program"):
                channel = transport.open_session(timeout=CHANNEL_WITHIN_S)
                channel.settimeout(None)
                channel.exec_command(shlex.join(words))
        finally:
            watch.cancel()
        return ChannelProcess(channel, self._host.name)

    def dial(self, address: str, port: int) -> socket.socket:
        """Connect to an address as the host sees it; raises UnreachableError."""
        step = f"reaching {address}:{port} through the host"
        transport = self._transport(step)
        with translated(self._host, step):
            channel = transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=CHANNEL_WITHIN_S
            )
        return as_socket(channel)

    def close(self) -> None:
        """End everything that runs over the connection; closing twice is fine."""
        _close(self._connection)

    def _transport(self, step: str) -> paramiko.Transport:
        transport = self._connection.transport
        if transport is None or not transport.is_active():
            raise UnreachableError(
                "the connection is broken", host=self._host.name, step=step,
                action=by_hand(self._host),
            )  # fmt: skip
        assert isinstance(transport, paramiko.Transport)
        return transport


def connect(host: Host, *, deadline_s: float = CONNECT_WITHIN_S) -> Connection:
    """Connect and log in by key.

    Raises HostKeyError for an unknown or changed host key, UnreachableError for everything else,
    each with cause and next action, at the latest when `deadline_s` seconds have passed. Who is
    refused or dropped before login tries again until then; nothing was asked of the host yet.
    """
    until = time.monotonic() + deadline_s
    return persistently(lambda: _connect_once(host, until, deadline_s), until, MEANS)


def _connect_once(host: Host, until: float, deadline_s: float) -> Connection:
    left = max(0.1, until - time.monotonic())
    connection = _prepare(host, left)
    expired = threading.Event()

    def give_up() -> None:
        expired.set()
        for each in _chain(connection):
            if transport := each.client.get_transport():
                transport.close()

    timer = threading.Timer(left, give_up)
    timer.daemon = True
    timer.start()
    try:
        with translated(host, "connecting", opening=True):
            if not connection.gateway:
                connection.connect_kwargs["sock"] = _tcp(connection.host, connection.port, until)
            _open(host, connection)
            connection.transport.set_keepalive(KEEPALIVE_S)
    except (QuantumError, NotLetInError) as error:
        _close(connection)
        if expired.is_set():
            raise late(host, deadline_s) from error
        raise
    finally:
        timer.cancel()
    if expired.is_set():
        _close(connection)
        raise late(host, deadline_s)
    return Connection(host, connection)


def _open(host: Host, connection: Any) -> None:
    try:
        connection.open()
    except BadHostKeyException as error:
        where = _destination(host, connection)
        raise known_hosts.changed(where, error.key, [error.expected_key]) from error


def destination(host: Host) -> Destination:
    """Return where the host is really reached, as ssh_config has it."""
    return _destination(host, _prepare(host, CONNECT_WITHIN_S))


def offered_key(host: Host, *, deadline_s: float = CONNECT_WITHIN_S) -> PKey:
    """Ask a host for its key without logging in; raises UnreachableError. Trusts nothing."""
    until = time.monotonic() + deadline_s
    connection = _prepare(host, deadline_s)
    with translated(host, "asking for the host key"):
        if connection.gateway:
            sock = connection.open_gateway()
        else:
            sock = _tcp(connection.host, connection.port, until)
        transport = paramiko.Transport(sock)
        try:
            transport.banner_timeout = deadline_s
            _ask_for_known_kinds(transport, _destination(host, connection))
            transport.start_client(timeout=max(0.1, until - time.monotonic()))
            return transport.get_remote_server_key()
        finally:
            transport.close()


def _ask_for_known_kinds(transport: paramiko.Transport, where: Destination) -> None:
    """Prefer the kinds of key that are trusted already: another kind is no changed key."""
    trusted = {"rsa" if "rsa" in kind else kind for kind in known_hosts.keys_for(where)}
    options = transport.get_security_options()
    options.key_types = sorted(
        options.key_types, key=lambda kind: ("rsa" if "rsa" in kind else kind) not in trusted
    )


def _prepare(host: Host, timeout_s: float) -> Any:
    """Return Fabric's connection, not opened, with our word on host keys on every hop."""
    options: dict[str, Any] = {
        "banner_timeout": timeout_s,
        "auth_timeout": timeout_s,
        "channel_timeout": timeout_s,
        "transport_factory": EagerTransport,
    }
    if host.private_key:
        options |= {
            "pkey": private_keys.load(host.private_key),
            "allow_agent": False,
            "look_for_keys": False,
        }
    try:
        connection = fabric.Connection(
            host.address or host.name,
            user=host.user,
            port=host.port if host.port != 22 else None,  # noqa: PLR2004 - leave it to ssh_config
            config=_settings(),
            connect_kwargs=options,
        )
    except (ValueError, OSError, SSHException) as error:
        raise ConfigurationError(
            f"ssh_config or the address cannot be used: {error}", host=host.name, step="ssh_config"
        ) from error
    for each in _chain(connection):
        where = _destination(host, each)
        each.client.set_missing_host_key_policy(_Refuse(where))
        trusted = each.client.get_host_keys()
        for kind, key in known_hosts.keys_for(where).items():
            trusted.add(where.entry, kind, key)
    return connection


class _Refuse(paramiko.MissingHostKeyPolicy):
    """RejectPolicy with an error that says what to type."""

    def __init__(self, where: Destination) -> None:
        self._where = where

    def missing_host_key(self, client: object, hostname: str, key: PKey) -> None:
        del client, hostname
        raise known_hosts.unknown(self._where, key)


@functools.cache
def _settings() -> Any:
    return fabric.Config()


def _chain(connection: Any) -> Iterator[Any]:
    """Yield the connection and the hosts that it jumps through."""
    while isinstance(connection, fabric.Connection):
        yield connection
        connection = connection.gateway


def _close(connection: Any) -> None:
    for each in _chain(connection):
        hang_up(each.client)


def _destination(host: Host, connection: Any) -> Destination:
    named = connection.ssh_config.get("userknownhostsfile", "").split()
    files = [host.known_hosts] if host.known_hosts else [Path(name) for name in named]
    return Destination(
        host.name,
        host.inventory,
        connection.host,
        int(connection.port),
        tuple(path.expanduser() for path in files or USUAL_FILES),
    )


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
