"""How many intents a second one router process routes, and one execution process executes on paper.

Trading is switched on, and no limit is in the way. Twice each: of distinct orders that are all
filled, and of traffic as it occurs, with repetitions, what cannot be read, and closes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from bench import programs, traffic
from bench.contestants import ENDS_WITHIN_S
from bench.failing import CannotMeasureError
from bench.programs import PYTHON
from bench.results import Result, Spread, at_least, ratios
from bench.run import Run
from bench.servers import Server
from streams import intents, routing

TOPIC = "intents"
#: All rounds together, in seconds; fewer than three are made where they take longer.
WITHIN_S = 60.0
PER_S = 10_000.0
IN_USE = {
    "QUANTUM_MODE": "testnet", "TRADING_ENABLED": "true", "SAFE_DRAIN": "false",
    "EXCHANGE": "paper", "MAX_ORDERS_PER_MINUTE": "1000000000", "MAX_OPEN_POSITIONS": "10000",
    "MAX_NOTIONAL_PER_ORDER_USD": "1000000000", "MAX_NOTIONAL_PER_SYMBOL_USD": "1000000000",
}  # fmt: skip


class Consumer(NamedTuple):
    """A program, what it reads, and how."""

    name: str
    stream: str
    group: str
    settings: Mapping[str, str]


ROUTER = Consumer("strategy_router", routing.STREAM_DECISION_MADE, routing.GROUP_ROUTER, {})
EXECUTION = Consumer("execution", intents.STREAM_TRADE_INTENT, intents.GROUP_EXECUTION, IN_USE)


class _Once(NamedTuple):
    per_s: float
    cpu_us: float
    share: float  #: of the entries, those that became an intent, or were filled


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    lines: dict[tuple[str, str], list[_Once]] = {}
    many = run.scale.intents
    for _ in run.rounds(TOPIC, WITHIN_S):
        for about, decisions, orders in (
            ("distinct orders", traffic.decisions, traffic.intents),
            ("as they occur", traffic.real_decisions, None),
        ):
            with run.server() as server:
                traffic.load(server.port, ROUTER.stream, decisions(many, _now_ms()))
                routed = _once(server, ROUTER, _length(intents.STREAM_TRADE_INTENT))
                lines.setdefault((ROUTER.name, about), []).append(routed)
                if orders is not None:
                    traffic.forget(server.client())
                    traffic.load(server.port, EXECUTION.stream, orders(many, _now_ms()))
                filled = _once(server, EXECUTION, _filled)
                lines.setdefault((EXECUTION.name, about), []).append(filled)
    for (name, about), measured in sorted(lines.items(), reverse=True):
        rates = [once.per_s for once in measured]
        yield Result(
            topic=TOPIC, what=f"{name.replace('_', ' ')}, {about}", value=Spread.of(rates),
            unit="intents/s", ratio=ratios(rates, [PER_S] * len(rates)),
            against="to what was promised",
            target=at_least(PER_S, of="value") if about == "distinct orders" else None,
            note=f"CPU per intent: {measured[0].cpu_us:.0f} us; "
            f"{measured[0].share:.0%} {'routed' if name == ROUTER.name else 'filled'}",
        )  # fmt: skip


def _once(server: Server, consumer: Consumer, effects: Callable[[Any], int]) -> _Once:
    given = {**programs.at(server), **consumer.settings}
    words = [*PYTHON, "-m", f"consumers.{consumer.name}"]
    with server.client() as client, programs.running(words, given) as program:
        many = client.xlen(consumer.stream)
        pace = program.pace(lambda: _settled(client, consumer), many, ENDS_WITHIN_S)
        share = effects(client) / many
    if not share:
        raise CannotMeasureError(f"{consumer.name} settled {many} entries without any effect")
    return _Once(pace.per_s, pace.cpu_us, share)


def _settled(client: Any, consumer: Consumer) -> int:
    """Return how many entries were read and acknowledged."""
    for group in client.xinfo_groups(consumer.stream):
        if group["name"] == consumer.group:
            return int(group["entries-read"] or 0) - int(group["pending"])
    return 0


def _length(stream: str) -> Callable[[Any], int]:
    return lambda client: int(client.xlen(stream))


def _filled(client: Any) -> int:
    results = client.xrange(intents.STREAM_EXECUTION_RESULT)
    return sum(fields.get("state") == intents.FILLED for _, fields in results)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
