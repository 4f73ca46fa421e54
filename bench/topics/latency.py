"""At 1,000 entries a second: how long from producing one until its effect is there."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator

from bench import contestants, flowing, traffic
from bench.contestants import Contestant
from bench.results import Result, Spread, at_most, percentile, ratios
from bench.run import Run

TOPIC = "latency at 1,000 entries/s"
#: All rounds together, in seconds; fewer than three are made where they take longer.
WITHIN_S = 100.0
P99_MS = 2.0
SHARES = (("p50", 0.50), ("p99", 0.99))
STREAM = "bench:flow"

Runs = dict[str, dict[str, list[float]]]


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    ours = contestants.ours()
    everyone = (ours, contestants.per_message(), contestants.plain_batches(), *run.peers())
    runs: Runs = defaultdict(lambda: defaultdict(list))
    for _ in run.rounds(TOPIC, WITHIN_S):
        for each in everyone:
            took_ms = _once(run, each)
            for name, share in SHARES:
                runs[each.name][name].append(percentile(took_ms, share))
    for each in everyone:
        yield from _lines(each, runs, ours)


def _once(run: Run, contestant: Contestant) -> list[float]:
    many = int(flowing.RATE * run.scale.flow_s)
    with run.server("--notify-keyspace-events", "Kh") as server:
        # a first one shows that it has started: the group is there, and reads
        traffic.load(server.port, STREAM, contestant.wrapped(traffic.simple(1, _now_ms())))
        with contestant.start(server, STREAM) as program, server.client() as client:
            program.wait(lambda: contestant.done(client) == 1)
            client.hset(*contestant.total, 0)
            entries = contestant.wrapped(traffic.real(many, _now_ms()))
            return flowing.latencies_ms(server, STREAM, entries, contestant.total)


def _lines(each: Contestant, runs: Runs, ours: Contestant) -> Iterator[Result]:
    for name, _ in SHARES:
        measured, of_ours = runs[each.name][name], runs[ours.name][name]
        yield Result(
            topic=TOPIC, what=f"{each.name}, {name}", value=Spread.of(measured), unit="ms",
            ratio=None if each is ours else ratios(measured, of_ours),
            against="" if each is ours else "to decision intelligence's",
            target=at_most(P99_MS) if each is ours and name == "p99" else None,
        )  # fmt: skip


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
