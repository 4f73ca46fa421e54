"""The simulated exchange of a run: started for it where its schedule breaks one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from commands.choosing import Chosen
from fault_injection.exchange_acts import wanted
from fault_injection.exchange_simulator import keeping
from fault_injection.exchange_simulator.child import started
from fault_injection.runs.folder import below
from fault_injection.schedules import Schedule
from fault_injection.workloads.decision_made import PRICES
from harness.errors import QuantumError


@contextlib.contextmanager
def of_run(chosen: Chosen, schedule: Schedule) -> Iterator[str]:
    """Yield where it is until the block ends, "" where nothing of the schedule is done to it."""
    if not wanted(word for each in schedule.faults for word in each.words):
        yield ""
        return
    with started(PRICES, keep=_kept(chosen)) as url:
        yield url


@contextlib.contextmanager
def again(chosen: Chosen, url: str) -> Iterator[str]:
    """Bring back the exchange of a dead run for whoever finishes it, where it was.

    Yields what to ask in its place: "" where it is there again, else what is kept of it.
    """
    with contextlib.ExitStack() as stack:
        said = ""
        if url:
            try:
                stack.enter_context(started(PRICES, keep=_kept(chosen), again=url))
            except QuantumError:  # somebody else has its port, or nothing is kept
                said = afterwards(chosen)
        yield said


def afterwards(chosen: Chosen) -> str:
    """Return what to ask in the place of the one that ended with its run."""
    return keeping.address(_kept(chosen))


def _kept(chosen: Chosen) -> Path:
    return below(chosen.inventory.records) / f"exchange-{chosen.inventory.name}"
