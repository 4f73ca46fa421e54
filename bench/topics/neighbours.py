"""What another client of the same Redis feels while a backlog is counted."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from bench import contestants, flowing, traffic
from bench.contestants import Contestant
from bench.results import Result, Spread, at_most, percentile, ratios
from bench.run import Run
from bench.servers import Server

TOPIC = "another client during a catch-up"
#: All rounds together, in seconds; fewer than three are made where they take longer.
WITHIN_S = 50.0
P99_MS = 3.0
STREAM = "bench:backlog"
#: So long one looks at what is slower than that, in seconds.
ENOUGH_S = 5.0
QUIET = "with nobody else there"
#: How long one looks at a quiet server, in looks: one each millisecond.
QUIET_LOOKS = 2_000


def measure(run: Run) -> Iterator[Result]:
    """Yield the lines of the table."""
    runs: dict[str, list[list[float]]] = defaultdict(list)
    ours = contestants.ours()
    peers = (contestants.plain_batches(), *run.peers())
    fast = (ours, contestants.ours_in_company(), *(peer for peer in peers if "batch" in peer.name))
    with run.server() as server:
        now_ms = time.time_ns() // 1_000_000
        traffic.load(server.port, STREAM, traffic.real(run.scale.entries, now_ms))
        for _ in run.rounds(TOPIC, WITHIN_S):
            runs[QUIET].append(_quiet(server))
            runs[run.reference.name].append(_reference(run, server))
            for each in fast:
                runs[each.name].append(_counting(run, server, each))
    quiet = [percentile(took_ms, 0.99) for took_ms in runs[QUIET]]
    for name, all_ms in runs.items():
        p99s = [percentile(took_ms, 0.99) for took_ms in all_ms]
        longest = max(max(took_ms) for took_ms in all_ms)
        yield Result(
            topic=TOPIC, what=f"{name}, p99", value=Spread.of(p99s), unit="ms",
            ratio=None if name == QUIET else ratios(p99s, quiet),
            against="" if name == QUIET else "to a quiet server",
            target=at_most(P99_MS) if name == ours.name else None,
            note=f"longest {longest:.1f} ms, p50 {percentile(all_ms[0], 0.5):.2f} ms",
        )  # fmt: skip


def _quiet(server: Server) -> list[float]:
    looks = iter(range(QUIET_LOOKS))
    return flowing.gaps_ms(server, "bench:nothing", lambda _: next(looks, None) is None)


def _reference(run: Run, server: Server) -> list[float]:
    process = run.reference.start(server, STREAM, run.scale.entries)
    took_ms = flowing.gaps_ms(server, "bench:nothing", lambda _: process.poll() is not None)
    process.communicate()
    traffic.forget(server.client(), STREAM)
    return took_ms


def _counting(run: Run, server: Server, each: Contestant) -> list[float]:
    many, key = run.scale.entries, each.total[0]
    with server.client() as client, each.start(server, STREAM) as program:
        program.wait(lambda: each.done(client) > 0)
        took_ms = flowing.gaps_ms(server, key, _counted(many))
    traffic.forget(server.client(), STREAM)
    return took_ms


def _counted(many: int) -> Callable[[bytes | None], bool]:
    end = time.monotonic() + ENOUGH_S
    return lambda answer: int(answer or 0) >= many or time.monotonic() > end
