"""One SSH connection to a host: run a program, dial through it, refuse unknown keys."""

from __future__ import annotations

import random
import shlex
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

import paramiko
from paramiko.pkey import PKey

from harness.errors import UnreachableError
from harness.host import Host
from harness.links import private_keys
from harness.links.channels import ChannelProcess, as_socket, hang_up
from harness.links.known_hosts import Destination
from harness.links.route import Hop, route
from harness.links.ssh_failures import translated
from harness.links.trying_again import Means, persistently
from harness.links.way import Way

#: Connecting, with everything that belongs to it, takes no longer, in seconds.
CONNECT_WITHIN_S = 20.0
#: Opening one more channel on a living connection, in seconds.
CHANNEL_WITHIN_S = 20.0
#: sshd hangs up early on some of many at once (MaxStartups): what trying again needs.
MEANS = Means(time.monotonic, random.random, time.sleep)


class Connection:
    """A host reached over SSH (a Link); use it as a context manager or close it."""

    def __init__(self, host: Host, hop: Hop, connections: Sequence[Any]) -> None:
        self._host, self._hop = host, hop
        self._connections = connections  #: through each the next, the host's own last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exec(self, words: tuple[str, ...], *, deadline_s: float | None = None) -> ChannelProcess:
        """Start a program; the words are quoted once, here. Raises UnreachableError."""
        within_s = CHANNEL_WITHIN_S if deadline_s is None else deadline_s
        transport = self._transport("starting a program")
        # paramiko waits for the answer to exec for ever
        watch = threading.Timer(within_s, transport.close)
        watch.daemon = True
        watch.start()
        try:
            with translated(self._host, "starting a program", self._hop):
                channel = transport.open_session(timeout=within_s)
                channel.settimeout(None)
                channel.exec_command(shlex.join(words))
        finally:
            watch.cancel()
        return ChannelProcess(channel, self._host.name)

    def dial(self, address: str, port: int) -> socket.socket:
        """Connect to an address as the host sees it; raises UnreachableError."""
        step = f"reaching {address}:{port} through the host"
        transport = self._transport(step)
        with translated(self._host, step, self._hop):
            channel = transport.open_channel(
                "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=CHANNEL_WITHIN_S
            )
        return as_socket(channel)

    def close(self) -> None:
        """End everything that runs over the connection; closing twice is fine."""
        for each in reversed(self._connections):
            hang_up(each.client)

    def _transport(self, step: str) -> paramiko.Transport:
        transport = self._connections[-1].transport
        if transport is None or not transport.is_active():
            raise UnreachableError(
                "the connection is broken", host=self._host.name, step=step,
                action=self._hop.by_hand,
            )  # fmt: skip
        assert isinstance(transport, paramiko.Transport)
        return transport


def connect(host: Host, *, deadline_s: float = CONNECT_WITHIN_S) -> Connection:
    """Connect and log in by key, hop after hop where ssh_config names jump hosts.

    Raises HostKeyError for an unknown or changed host key on any hop, UnreachableError for
    everything else, each with cause and next action, at the latest when `deadline_s` seconds have
    passed. Who is refused or dropped before login tries again until then; nothing was asked of
    the host yet.
    """
    until = time.monotonic() + deadline_s
    hops = route(host)
    if host.private_key:
        private_keys.load(host.private_key)
    return persistently(lambda: _connect_once(host, hops, until, deadline_s), until, MEANS)


def _connect_once(host: Host, hops: Sequence[Hop], until: float, deadline_s: float) -> Connection:
    way = Way(host, until, deadline_s)
    with way.by_the_deadline():
        for hop in hops:
            way.enter(hop)
    return Connection(host, hops[-1], way.connections)


def destinations(host: Host) -> tuple[Destination, ...]:
    """Return every sshd on the way to a host as known_hosts should know it, its own last."""
    return tuple(hop.where for hop in route(host))


def destination(host: Host) -> Destination:
    """Return where the host is really reached, as ssh_config has it."""
    return destinations(host)[-1]


def offered_key(host: Host, number: int = -1, *, deadline_s: float = CONNECT_WITHIN_S) -> PKey:
    """Ask a hop, by default the host itself, for its key without logging in; trusts nothing.

    The hops before it must be trusted. Raises UnreachableError, HostKeyError.
    """
    until = time.monotonic() + deadline_s
    hops = route(host)
    hops = hops[: len(hops) + number + 1] if number < 0 else hops[: number + 1]

    def attempt() -> PKey:
        way = Way(host, until, deadline_s)
        try:
            with way.by_the_deadline():
                for hop in hops[:-1]:
                    way.enter(hop)
                return way.key_of(hops[-1])
        finally:
            way.close()

    return persistently(attempt, until, MEANS)
