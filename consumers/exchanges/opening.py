"""Open the exchange that the settings name, or refuse in one line; nothing is asked yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from consumers.exchanges import Exchange
from consumers.exchanges.hosts import LIVE, SANDBOX, TESTNET, origin
from consumers.exchanges.paper import Paper
from consumers.loop.failing import StartError

PAPER, BINANCE_FUTURES = "paper", "binance_futures"

#: What goes into a header as it is.
KEY = re.compile(r"[!-~]+")


def open_exchange(
    name: str,
    *,
    mode: str,
    url: str = "",
    key: str = "",
    secret: str = "",
    client: Any = None,
    timeout_s: float | None = None,
    recv_window_ms: int | None = None,
    now_ms: Callable[[], int] | None = None,
) -> Exchange:
    """Return the exchange `name` (paper, binance_futures) for a mode (sandbox, testnet, live).

    url: EXCHANGE_URL, "" for the mode's own. client: a redis client, for paper. What is None is
    the exchange's own. Raises StartError for what must not be, or cannot.
    """
    if mode not in (SANDBOX, TESTNET, LIVE):
        raise StartError(f"QUANTUM_MODE is {SANDBOX}, {TESTNET} or {LIVE}, not {mode!r}")
    if name == PAPER:
        return Paper(client)
    if name != BINANCE_FUTURES:
        raise StartError(f"EXCHANGE is {PAPER} or {BINANCE_FUTURES}, not {name!r}")
    if mode == SANDBOX:
        raise StartError(f"QUANTUM_MODE {SANDBOX} trades on {PAPER} alone, not on {name}")
    place = origin(mode, url)
    for what, value in (("exchange_api_key", key), ("exchange_api_secret", secret)):
        if not value:
            raise StartError(f"EXCHANGE {name} needs the credential {what}, and there is none")
        if not KEY.fullmatch(value):
            raise StartError(f"the credential {what} holds a space or a character no key has")
    try:
        # late: it takes 25 MB and a third of a second, and paper needs none of it
        from consumers.exchanges.binance_futures import (
            RECV_WINDOW_MS,
            TIMEOUT_S,
            BinanceFutures,
            wall_ms,
        )
    except ImportError as error:
        raise StartError(f"EXCHANGE {name} needs a library that is missing: {error}") from error
    return BinanceFutures(
        mode=mode,
        origin=place,
        key=key,
        secret=secret,
        timeout_s=timeout_s or TIMEOUT_S,
        recv_window_ms=recv_window_ms or RECV_WINDOW_MS,
        now_ms=now_ms or wall_ms,
    )
