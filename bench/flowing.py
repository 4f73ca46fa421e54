"""Let entries come at a steady rate and see when each has its effect, from outside.

One loop on three links. Entries are sent when they are due, whatever became of those before. The
effect is the consumer's own total: Redis says when it was raised (a keyspace notification; nobody
polls), then it is read, and every entry up to it is taken as done when that answer is here. So a
latency is from before XADD is sent until another client could know of the effect: one way to Redis
and back more than the effect itself.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import hiredis

from bench.failing import CannotMeasureError
from bench.servers import Server
from bench.traffic import Fields, pack, packed

#: Entries per second.
RATE = 1000
#: Left out of the result: what comes while everything is still cold, in seconds.
COLD_S = 0.5
#: How long after the last entry its effect may come, in seconds.
WITHIN_S = 20.0


def latencies_ms(
    server: Server, stream: str, entries: Iterable[Fields], total: tuple[str, str]
) -> list[float]:
    """Send entries; return how long each took, in milliseconds, the first COLD_S left out.

    `total`: hash and field of what counts them, from 0 on. The server must have been started with
    `--notify-keyspace-events Kh`.
    """
    commands = [packed(stream, fields) for fields in entries]
    with _Link(server) as producer, _Link(server) as news, _Link(server) as asker:
        news.send("SUBSCRIBE", f"__keyspace@0__:{total[0]}")
        sent: list[float] = []
        done: list[float] = []
        asking = again = False
        started = time.perf_counter()
        give_up_at = started + len(commands) / RATE + WITHIN_S
        while len(done) < len(commands):
            now = time.perf_counter()
            if now > give_up_at:
                raise CannotMeasureError(f"{len(done)} of {len(commands)} entries had an effect")
            while len(sent) < len(commands) and now >= started + len(sent) / RATE:
                sent.append(time.perf_counter())
                producer.link.sendall(commands[len(sent) - 1])
            due = started + len(sent) / RATE if len(sent) < len(commands) else now + 0.1
            for link in _readable((producer, news, asker), max(0.0, due - time.perf_counter())):
                answers = link.receive()
                if link is news:
                    again = True
                elif link is asker and answers:
                    at = time.perf_counter()
                    done += [at] * (int(answers[-1] or 0) - len(done))
                    asking = False
            if again and not asking:
                asker.send("HGET", *total)
                asking, again = True, False
    cold = int(COLD_S * RATE)
    return [1000 * (end - start) for start, end in zip(sent[cold:], done[cold:], strict=True)]


def gaps_ms(server: Server, key: str, over: Callable[[Any], bool]) -> list[float]:
    """Ask for a hash field each millisecond until `over` its answer; return how long each took.

    From when it was due, not from when it was sent: a stall of 5 ms delays five of them.
    """
    took: list[float] = []
    with _Link(server) as link:
        due = time.perf_counter()
        while True:
            left_s = due - time.perf_counter()
            if left_s > 0:
                select.select((), (), (), left_s)
            link.send("HGET", key, "processed_total")
            while not (answers := link.receive()):
                pass
            took.append(1000 * (time.perf_counter() - due))
            if over(answers[-1]):
                return took
            due += 1 / RATE


def _readable(links: tuple[_Link, ...], within_s: float) -> list[_Link]:
    ready, _, _ = select.select([link.link for link in links], (), (), within_s)
    return [link for link in links if link.link in ready]


class _Link:
    """A connection as thin as can be: what it costs is part of what is measured."""

    def __init__(self, server: Server) -> None:
        self.link = socket.create_connection(("127.0.0.1", server.port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = hiredis.Reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def send(self, *words: str) -> None:
        """Send a command."""
        self.link.sendall(pack(words))

    def receive(self) -> list[Any]:
        """Return the answers that are there by now; waits for some bytes. Raises errors."""
        self._reader.feed(self.link.recv(65_536))
        answers = []
        while (answer := self._reader.gets()) is not False:
            if isinstance(answer, Exception):
                raise answer
            answers.append(answer)
        return answers
