"""Decide which host a mode may reach: what is not known by name is refused."""

from __future__ import annotations

import re
from typing import NamedTuple

from consumers.loop.failing import StartError

SANDBOX, TESTNET, LIVE = "sandbox", "testnet", "live"

#: Where Binance trades USD-M futures with money, and where without.
LIVE_HOSTS = frozenset({"fapi.binance.com"})
TESTNET_HOSTS = frozenset({"testnet.binancefuture.com", "demo-fapi.binance.com"})
#: This machine itself, for the simulator.
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

#: Where an empty EXCHANGE_URL leads.
DEFAULT_URL = {TESTNET: "https://testnet.binancefuture.com", LIVE: "https://fapi.binance.com"}

HTTPS_PORT, HTTP_PORT = 443, 80
LAST_PORT = 65_535

#: Nothing but a scheme, a host in lower case and a port: no user, path, query, final dot or space.
PLAIN = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<six>::1)\]|(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.ASCII,
)


class Origin(NamedTuple):
    """The one place that an adapter talks to."""

    scheme: str
    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        return self.host in LOOPBACK_HOSTS

    @property
    def url(self) -> str:
        """The address as requests are made with it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin(mode: str, url: str) -> Origin:
    """Return where `url` (empty: the mode's own) leads.

    Raises StartError unless it is known and the mode may go there.
    """
    wanted = url or DEFAULT_URL.get(mode, "")
    match = PLAIN.fullmatch(wanted)
    if match is None:
        raise StartError(
            f"EXCHANGE_URL is no plain address such as {DEFAULT_URL[TESTNET]}"
            " (lower case, no user, path or final slash)"
        )
    scheme = match["scheme"]
    default = HTTPS_PORT if scheme == "https" else HTTP_PORT
    found = Origin(scheme, match["six"] or match["host"], int(match["port"] or default))
    refused = refusal(mode, found)
    if refused:
        raise StartError(f"EXCHANGE_URL: {refused}")
    return found


def refusal(mode: str, place: Origin) -> str:
    """Return why `mode` may not reach `place`; "" where it may. Asked again at each request."""
    if mode == LIVE:
        known = LIVE_HOSTS
    elif mode == TESTNET:
        if place.loopback:
            return "" if place.port <= LAST_PORT else f"there is no port {place.port}"
        known = TESTNET_HOSTS
    else:
        return f"mode {mode} reaches no exchange"
    if place.host not in known:
        also = " or this machine" if mode == TESTNET else ""
        return f"mode {mode} reaches {' or '.join(sorted(known))}{also}, not {place.host}"
    if (place.scheme, place.port) != ("https", HTTPS_PORT):
        return f"{place.host} is reached by https on port {HTTPS_PORT} alone"
    return ""
