"""What is measured, one topic per file: each yields lines of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench.results import Result
from bench.run import Run
from bench.topics import latency, neighbours, snapshots, storage, throughput, trading

TOPICS: Mapping[str, Callable[[Run], Iterator[Result]]] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "neighbours": neighbours.measure,
    "snapshots": snapshots.measure,
    "storage": storage.measure,
    "trading": trading.measure,
}
