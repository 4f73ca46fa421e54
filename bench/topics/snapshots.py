"""How long it takes to show all windows, with 50 symbols x 20 reasons in each of an hour's minutes.

In this process, by the consumer's own code and client, for it alone is timed. `kept` is the common
case: closed minutes are known, the open one has changed. `cold` is the first after a start.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import structlog

from bench import programs, traffic
from bench.buckets import add, everything, fill
from bench.results import Result, Spread, at_most, percentile, ratios
from bench.run import Run
from bench.servers import Server
from consumers.analytics.settings import Settings
from consumers.analytics.snapshots import Snapshots
from consumers.decision_intelligence import place
from consumers.loop import connecting, failpoints, settings
from consumers.loop.context import Context
from consumers.loop.measuring import Unmeasured
from consumers.loop.stopping import Stop
from streams import keys, windows

TOPIC = "snapshot of all windows"
#: All rounds together, in seconds; fewer than three are made where they take longer.
WITHIN_S = 10.0
WITHIN_MS = 10.0
HOUR = windows.WINDOWS["1h"]


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    cold: list[float] = []
    kept: list[list[float]] = []
    with run.server() as server, server.client() as client:
        for minute in _minutes():
            fill(client, keys.bucket(minute), everything(2))
        for _ in run.rounds(TOPIC, WITHIN_S):
            cold.append(_took_ms(Snapshots(_context(server))))
            kept.append(list(_with_news(client, Snapshots(_context(server)), run.scale.snapshots)))
    for name, measured, target in (
        ("cold, nothing known yet", cold, None),
        ("closed minutes kept", [percentile(each, 0.5) for each in kept], at_most(WITHIN_MS)),
        ("closed minutes kept, the longest", [max(each) for each in kept], None),
    ):
        yield Result(
            topic=TOPIC, what=name, value=Spread.of(measured), unit="ms",
            ratio=ratios(measured, [WITHIN_MS] * len(measured)), against="to what is allowed",
            target=target,
        )  # fmt: skip


def _with_news(client: Any, snapshots: Snapshots, times: int) -> Iterator[float]:
    snapshots.take()
    for number in range(times):
        symbol = traffic.MANY_SYMBOLS[number % len(traffic.MANY_SYMBOLS)]
        reason = traffic.MANY_REASONS[number % len(traffic.MANY_REASONS)]
        named = "decision:SKIP", f"reason:{reason}", f"symbol_reason:{symbol}:{reason}"
        add(client, keys.bucket(_minutes()[0]), dict.fromkeys(named, 1))
        yield _took_ms(snapshots)


def _took_ms(snapshots: Snapshots) -> float:
    started = time.perf_counter()
    snapshots.take()
    return 1000 * (time.perf_counter() - started)


def _minutes() -> list[str]:
    return windows.minutes_of(HOUR, time.time_ns() // 1_000_000)


def _context(server: Server) -> Context[Settings]:
    wanted = settings.read(Settings, programs.at(server))
    return Context(
        connecting.client(wanted), place(wanted), wanted, structlog.wrap_logger(_Silent()),
        Unmeasured(), Stop(), failpoints.install(""), lambda: None,
    )  # fmt: skip


class _Silent:
    """Where log lines go."""

    def msg(self, *_: object, **__: object) -> None:
        """Do nothing."""

    info = warning = error = msg
