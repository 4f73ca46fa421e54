"""The simulated exchange of a run: started for it where its schedule breaks one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fault_injection.exchange_acts import wanted
from fault_injection.exchange_simulator import keeping
from fault_injection.exchange_simulator.child import started
from fault_injection.schedules import Schedule
from fault_injection.workloads.decision_made import PRICES
from harness.errors import QuantumError

#: Below a run's folder: what the exchange knew when it ended.
FOLDER = "exchange"


@contextlib.contextmanager
def of_run(run: Path, schedule: Schedule) -> Iterator[str]:
    """Yield where it is until the block ends, "" where nothing of the schedule is done to it."""
    if not wanted(word for each in schedule.faults for word in each.words):
        yield ""
        return
    with started(PRICES, keep=run / FOLDER) as url:
        yield url


@contextlib.contextmanager
def again(run: Path, url: str) -> Iterator[str]:
    """Bring back the exchange of a dead run, for whoever finishes it, on its port.

    Yields what to read its record from: "" where it is there again and can be asked itself.
    """
    with contextlib.ExitStack() as stack:
        said = afterwards(run)
        if url and said:
            with contextlib.suppress(QuantumError):  # somebody else may have its port by now
                stack.enter_context(started(PRICES, keep=run / FOLDER, again=url))
                said = ""
        yield said


def afterwards(run: Path) -> str:
    """Return what to ask in the place of the one that ended with its run, "" where none was."""
    kept = run / FOLDER
    return keeping.address(kept) if kept.is_dir() else ""
