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


@contextlib.contextmanager
def of_run(chosen: Chosen, schedule: Schedule) -> Iterator[str]:
    """Yield where it is until the block ends, "" where nothing of the schedule is done to it."""
    if not wanted(word for each in schedule.faults for word in each.words):
        yield ""
        return
    with started(PRICES, keep=_kept(chosen)) as url:
        yield url


def afterwards(chosen: Chosen) -> str:
    """Return what to ask in the place of the one that ended with its run."""
    return keeping.address(_kept(chosen))


def _kept(chosen: Chosen) -> Path:
    return below(chosen.inventory.records) / f"exchange-{chosen.inventory.name}"
