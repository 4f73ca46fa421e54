"""Run the simulated exchange as a child of this process, which it does not outlive."""

from __future__ import annotations

import contextlib
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fault_injection.exchange_simulator.keeping import forget
from fault_injection.exchange_simulator.steering import change
from harness.errors import QuantumError

#: Until the simulator says where it is, and until it has ended, in seconds.
STARTED_WITHIN_S, ENDED_WITHIN_S = 30.0, 10.0
AT = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@contextlib.contextmanager
def started(
    prices: Mapping[str, float] | None = None, keep: Path | None = None, again: str = ""
) -> Iterator[str]:
    """Yield where it is, as EXCHANGE_URL says it: a port of this machine that was free.

    With `prices` of symbols, its own where it trades them: those of the workload, or its orders
    have their stops on the wrong side.

    It ends with this block, and by itself if this process dies: its standard input does. What it
    knew is then in the folder `keep`, for whoever goes on: with `again`, where another one was, it
    begins with what that one knew, and in its place.
    Raises QuantumError where it does not start.
    """
    if keep and not again:
        forget(keep)
    words = [sys.executable, "-m", "fault_injection.exchange_simulator", "--until-left"]
    words += ["--keep", str(keep)] if keep else []
    words += ["--go-on", "--port", again.rpartition(":")[2]] if again else []
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        url = _where(process)
        for symbol, price in (prices or {}).items():
            change(url, "price", symbol=symbol, price=f"{price}")
        yield url
    finally:
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        try:
            process.wait(ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def _where(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], STARTED_WITHIN_S)
    line = process.stdout.readline() if ready else ""
    found = AT.search(line)
    if found is None:
        raise QuantumError(
            "the simulated exchange does not start", step="exchange",
            action="python -m fault_injection.exchange_simulator says why",
        )  # fmt: skip
    return found[0]
