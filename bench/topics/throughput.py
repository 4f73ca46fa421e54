"""How fast a backlog is counted, and in how much memory.

Beside the C reader, which counts nothing; beside the way that takes one message at a time; and
beside the peers. All in turn in each round, so that noise meets all of them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import contestants, traffic
from bench.contestants import ENDS_WITHIN_S, Contestant
from bench.failing import CannotMeasureError
from bench.programs import Memory, Pace
from bench.results import Result, Spread, at_least, at_most, ratios
from bench.run import Run
from bench.servers import Server

TOPIC = "throughput"
#: All rounds together, in seconds; fewer than three are made where they take longer.
WITHIN_S = 110.0
OF_THE_LIMIT, OF_PER_MESSAGE, MEMORY_MB = 0.5, 25.0, 64.0
PER_S, MB = "entries/s", "MB"
#: Where each of the slow ones finds its few entries.
FEW = "bench:few"


class Backlog(NamedTuple):
    """Entries that are read again in each round."""

    stream: str
    about: str
    make: Callable[[int, int], Iterator[traffic.Fields]]


#: The targets are read on the first: 200,000 entries of four fields.
BACKLOGS = (
    Backlog("bench:simple", "4 fields", traffic.simple),
    Backlog("bench:real", "real shapes", traffic.real),
    Backlog("bench:wide", "4 fields, 50 symbols x 20 reasons", traffic.wide),
)
STREAMS = tuple(backlog.stream for backlog in BACKLOGS)


class _Once(NamedTuple):
    """One contestant, once."""

    pace: Pace
    server_us: float  #: the server's processor time for each entry, in microseconds
    memory: Memory


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    ours, plain = contestants.ours(), contestants.per_message()
    others = (plain, contestants.plain_batches(), *run.peers())
    limits: dict[str, list[float]] = defaultdict(list)
    paces: dict[str, list[_Once]] = defaultdict(list)
    with run.server() as server:
        now_ms = time.time_ns() // 1_000_000
        for backlog in BACKLOGS:
            traffic.load(server.port, backlog.stream, backlog.make(run.scale.entries, now_ms))
        _round(run, server, ours, limits, paces, BACKLOGS[:1])  # warms up
        limits.clear()
        paces.clear()
        for _ in run.rounds(TOPIC, WITHIN_S):
            _round(run, server, ours, limits, paces, BACKLOGS)
            for other in others:
                many = run.scale.entries // 4 if "batch" in other.name else run.scale.few
                traffic.load(server.port, FEW, other.wrapped(traffic.simple(many, now_ms)))
                paces[other.name].append(_count(server, other, FEW, many))
                traffic.forget(server.client(), *STREAMS)
    for backlog in BACKLOGS:
        yield _limit(run, backlog, limits[backlog.stream])
        yield _beside_it(backlog, ours.name, limits[backlog.stream], paces[backlog.stream])
    first, in_company = paces[STREAMS[0]], contestants.ours_in_company().name
    yield _beside_it(BACKLOGS[0], in_company, limits[STREAMS[0]], paces[in_company])
    for other in others:
        yield _beside(other, paces[other.name], first, target=other is plain)
    yield from _memory(ours, [once for stream in STREAMS for once in paces[stream]])


def _round(
    run: Run, server: Server, ours: Contestant, limits: dict[str, list[float]],
    paces: dict[str, list[_Once]], backlogs: tuple[Backlog, ...],
) -> None:  # fmt: skip
    many, company = run.scale.entries, contestants.ours_in_company()
    for backlog in backlogs:
        limits[backlog.stream].append(run.reference.per_s(server, backlog.stream, many))
        traffic.forget(server.client(), *STREAMS)
        paces[backlog.stream].append(_count(server, ours, backlog.stream, many))
        traffic.forget(server.client(), *STREAMS)
        if backlog is BACKLOGS[0]:
            paces[company.name].append(_count(server, company, backlog.stream, many))
            traffic.forget(server.client(), *STREAMS)


def _count(server: Server, contestant: Contestant, stream: str, many: int) -> _Once:
    """Let one count a stream of so many entries, and see that it did."""
    with server.client() as client, contestant.start(server, stream) as program:
        before_s = server.cpu_s()
        pace = program.pace(lambda: contestant.done(client), many, ENDS_WITHIN_S)
        server_us = 1e6 * (server.cpu_s() - before_s) / many
        memory = program.memory()
        counted = contestant.counted(client)
        if counted != many:
            raise CannotMeasureError(f"{contestant.name} counted {counted} of {many}")
    return _Once(pace, server_us, memory)


def _limit(run: Run, backlog: Backlog, limits: list[float]) -> Result:
    what = f"{run.reference.name} ({backlog.about})"
    return Result(topic=TOPIC, what=what, value=Spread.of(limits), unit=PER_S)


def _beside_it(backlog: Backlog, name: str, limits: list[float], paces: list[_Once]) -> Result:
    measured = [once.pace.per_s for once in paces]
    promised = backlog is BACKLOGS[0] and name == contestants.ours().name
    return Result(
        topic=TOPIC, what=f"{name} ({backlog.about})", value=Spread.of(measured),
        unit=PER_S, ratio=ratios(measured, limits), against="to the C reader",
        target=at_least(OF_THE_LIMIT) if promised else None, note=_cpu(paces),
    )  # fmt: skip


def _beside(other: Contestant, theirs: list[_Once], first: list[_Once], *, target: bool) -> Result:
    measured = [once.pace.per_s for once in theirs]
    return Result(
        topic=TOPIC, what=f"{other.name} ({BACKLOGS[0].about})", value=Spread.of(measured),
        unit=PER_S, ratio=ratios([once.pace.per_s for once in first], measured),
        against="decision intelligence to it", target=at_least(OF_PER_MESSAGE) if target else None,
        note=f"{_cpu(theirs)}; {max(once.memory.peak_mb for once in theirs):.0f} MB",
    )  # fmt: skip


def _memory(ours: Contestant, paces: list[_Once]) -> Iterator[Result]:
    for what, measured in (
        ("resident after a backlog", [once.memory.now_mb for once in paces]),
        ("resident at most (VmHWM)", [once.memory.peak_mb for once in paces]),
    ):
        yield Result(
            topic=TOPIC, what=f"{ours.name}, {what}", value=Spread.of(measured), unit=MB,
            ratio=ratios(measured, [MEMORY_MB] * len(measured)), against="to what is allowed",
            target=at_most(MEMORY_MB),
        )  # fmt: skip


def _cpu(paces: list[_Once]) -> str:
    own = Spread.of([once.pace.cpu_us for once in paces]).median
    server = Spread.of([once.server_us for once in paces]).median
    return f"CPU per entry: {own:.1f} us, server {server:.1f} us"
