"""Who does the same work, and how one sees from outside how far each is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from bench import programs, traffic
from bench.peers import counting
from bench.programs import PYTHON, Program
from bench.servers import Server
from streams import keys

#: Longer than any run may take, in seconds.
ENDS_WITHIN_S = 90.0


def _as_they_are(entries: Iterable[traffic.Fields]) -> Iterable[traffic.Fields]:
    return entries


def _nothing(_: Any, __: str) -> None:
    """Prepare nothing."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that counts apply results; `total` is where it keeps how many (hash, field)."""

    name: str
    words: Callable[[Server, str], list[str]]
    total: tuple[str, str]
    bucket: Callable[[str], str]
    wrapped: Callable[[Iterable[traffic.Fields]], Iterable[traffic.Fields]] = _as_they_are
    settings: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Any, str], None] = _nothing

    def start(self, server: Server, stream: str) -> AbstractContextManager[Program]:
        """Start it on a stream."""
        with server.client() as client:
            self.prepare(client, stream)
        given = {**programs.at(server), "STREAM_APPLY_RESULT": stream, **self.settings}
        return programs.running(self.words(server, stream), given)

    def done(self, client: Any) -> int:
        """Return how many it has counted."""
        return int(client.hget(*self.total) or 0)

    def counted(self, client: Any) -> int:
        """Return the sum of its buckets: what it tells of itself may be wrong."""
        return sum(
            int(count)
            for key in client.scan_iter(match=self.bucket("*"), count=5_000)
            for name, count in client.hgetall(key).items()
            if name.startswith("decision:")
        )


def ours(**settings: str) -> Contestant:
    """Return decision intelligence."""
    words = [*PYTHON, "-m", "consumers.decision_intelligence"]
    total = keys.STATUS, "processed_total"
    return Contestant(
        "decision intelligence", lambda *_: words, total, keys.bucket, settings=settings
    )


def ours_in_company() -> Contestant:
    """Return the same with another one in its group, so that it takes each batch (XREADGROUP).

    While it is alone it may look at a backlog without taking it.
    """

    def accompany(client: Any, stream: str) -> None:
        group, other = keys.GROUP_DECISION_INTELLIGENCE, "another"
        client.xgroup_create(stream, group, "0", mkstream=True)
        client.xgroup_createconsumer(stream, group, other)
        client.set(keys.heartbeat(group, other), "lives", ex=int(2 * ENDS_WITHIN_S))

    alone = ours()
    return replace(alone, name=f"{alone.name}, two in the group", prepare=accompany)


def per_message() -> Contestant:
    """Return the plain way."""
    return _peer("redis-py, one by one", PYTHON, "per_message")


def plain_batches() -> Contestant:
    """Return what one writes by hand for speed."""
    return _peer("redis-py, batches of 1000", PYTHON, "plain_batches")


def others(python: str) -> tuple[Contestant, ...]:
    """Return the libraries, the fast one first; `python` is the interpreter that has them."""
    return (
        _peer("FastStream, batches of 1000", (python,), "by_faststream", "1000"),
        _peer("FastStream, one by one", (python,), "by_faststream"),
        _peer("taskiq-redis", (python,), "by_taskiq", task="count"),
    )


def _peer(
    name: str, python: tuple[str, ...], module: str, *more: str, task: str = ""
) -> Contestant:
    def words(server: Server, stream: str) -> list[str]:
        return [*python, "-m", f"bench.peers.{module}", str(server.port), stream, *more]

    def wrapped(entries: Iterable[traffic.Fields]) -> Iterable[traffic.Fields]:
        return traffic.as_tasks(entries, task) if task else entries

    total = counting.STATUS, counting.TOTAL
    return Contestant(name, words, total, counting.bucket, wrapped)
