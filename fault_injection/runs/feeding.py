"""Produce events at a steady pace, and write down of each whether it came to be."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import redis

from fault_injection.gathering import identified
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import FAIL, INFO, OK, Ended, Happening, Invoked
from fault_injection.runs.talking import Line
from fault_injection.workloads import apply_result, decision_made
from harness.errors import UnreachableError

Fields = Mapping[str, str]
Write = Callable[..., None]

TICK_S = 0.05
#: So many events are on their way at once, at most.
BATCH = 500
#: Where Redis cannot be reached an event is tried so often, in seconds.
TRY_EVERY_S = 0.5
#: Events are made for so long ahead, with times of their own in it, in seconds.
AHEAD_S = 5
#: So many of the latest may come again.
LATEST = 500

#: workload -> makes events: (seed, count, start_ms, span_ms, name)
MAKERS: Mapping[str, Callable[..., Iterator[dict[str, str]]]] = {
    "apply_result": apply_result.events,
    "decision_made": decision_made.events,
}


def events(workload: str, seed: int, per_s: int, name: str) -> Iterator[Fields]:
    """Yield a workload's events for ever, of the time at which they are asked for."""
    for turn in itertools.count():
        now_ms = int(time.time() * 1000)
        count = max(1, per_s * AHEAD_S)
        yield from MAKERS[workload](
            (seed + turn) % (1 << 32), count, now_ms, 1000 * AHEAD_S, name=f"{name}-{turn}"
        )


class Producer:
    """Adds entries to one stream; of one thread."""

    def __init__(self, place: Place, line: Line, write: Write, process: str) -> None:
        self.place = place
        self._line, self._write, self._process = line, write, process
        self._made = itertools.count(1)

    def add(self, many: Sequence[Fields]) -> list[str]:
        """Add entries; returns the ids of those that came to be for certain."""
        ops = [f"{self._process}-{next(self._made)}" for _ in many]
        self._write(*(self._invoked(op, fields) for op, fields in zip(ops, many, strict=True)))
        try:
            answers = self._line.ask(lambda client: _added(client, self.place.stream, many))
        except UnreachableError as error:
            self._write(*(Ended(op=op, how=FAIL, why=error.cause) for op in ops))
            return []
        except redis.RedisError as error:  # whatever was sent may have been done
            self._write(*(Ended(op=op, how=INFO, why=str(error)) for op in ops))
            return []
        self._write(*(_ended(op, answer) for op, answer in zip(ops, answers, strict=True)))
        return [_text(each) for each in answers if not isinstance(each, Exception)]

    def _invoked(self, op: str, fields: Fields) -> Happening:
        identity, digest, key = identified(self.place, fields)
        return Invoked(
            op=op, process=self._process, stream=self.place.stream, identity=identity,
            digest=digest, key=key,
        )  # fmt: skip


class Feeder:
    """A workload of one stream: so many events per second until it is told to stop."""

    def __init__(self, producer: Producer, made: Iterator[Fields], per_s: int) -> None:
        self.place = producer.place
        self._producer, self._made, self._per_s = producer, made, per_s
        self._lock = threading.Lock()
        self._latest: deque[Fields] = deque(maxlen=LATEST)
        self._hold_percent, self._back_s = 0, 0.0
        self._held: list[tuple[float, int, Fields]] = []
        self._fresh = itertools.count()
        self.released = 0  #: how many came late

    def work(self, stop: threading.Event) -> None:
        """Keep the pace; what Redis's trouble cost is not made up for, or there were a burst."""
        began, made = time.monotonic(), 0
        while not stop.is_set():
            due = int((time.monotonic() - began) * self._per_s) - made
            if due > max(BATCH, self._per_s):
                made += due - BATCH
                due = BATCH
            due = min(due, BATCH)
            made += due
            batch = [*self._late(), *self._held_back(self.more(due))]
            if batch and not self._producer.add(batch):
                stop.wait(TRY_EVERY_S)
            with self._lock:
                self._latest.extend(batch)
            stop.wait(TICK_S)
        self.hold(0, 0)
        if rest := [fields for _, _, fields in self._held]:
            self._producer.add(rest)

    def latest(self) -> list[Fields]:
        """Return the latest events, oldest first."""
        with self._lock:
            return list(self._latest)

    def more(self, count: int) -> list[Fields]:
        """Return events that nobody has produced yet."""
        with self._lock:
            return [next(self._made) for _ in range(count)]

    def hold(self, percent: int, back_ms: int) -> None:
        """From now on hold so many of a hundred events back for so long; 0: none."""
        with self._lock:
            self._hold_percent, self._back_s = percent, back_ms / 1000

    def _held_back(self, fresh: Sequence[Fields]) -> list[Fields]:
        """Return those that are produced now."""
        with self._lock:
            percent, back_s = self._hold_percent, self._back_s
        if not percent:
            return list(fresh)
        due_s, now = time.monotonic() + back_s, list[Fields]()
        for number, each in zip(self._fresh, fresh):  # noqa: B905  the first never ends
            if number * percent % 100 < percent:
                heapq.heappush(self._held, (due_s, number, each))
            else:
                now.append(each)
        return now

    def _late(self) -> list[Fields]:
        """Return what was held back long enough."""
        with self._lock:
            all_of_them = not self._hold_percent
        now, found = time.monotonic(), list[Fields]()
        while self._held and (all_of_them or self._held[0][0] <= now):
            found.append(heapq.heappop(self._held)[2])
        self.released += len(found)
        return found


def _added(client: Any, stream: str, many: Sequence[Fields]) -> list[Any]:
    pipeline = client.pipeline(transaction=False)
    for fields in many:
        pipeline.xadd(stream, dict(fields))
    answers: list[Any] = pipeline.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, redis.ResponseError):
            raise answer
    return answers


def _ended(op: str, answer: Any) -> Ended:
    if isinstance(answer, Exception):  # Redis itself says that it did not do it
        return Ended(op=op, how=FAIL, why=str(answer))
    return Ended(op=op, how=OK, entry=_text(answer))


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)
