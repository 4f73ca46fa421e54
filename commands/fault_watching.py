"""Show a run while it goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from commands.showing import Display
from fault_injection.history.happenings import Fault, Happening, Process, Steady
from fault_injection.schedules import Schedule

SHOWN = {"injected", "observed", "gone"}


@contextlib.contextmanager
def shown(schedule: Schedule, display: Display) -> Iterator[Callable[[Happening], None]]:
    """Yield what prints a line for each scenario, stage of a fault and look at the system."""
    del schedule

    def watch(each: Happening) -> None:
        if isinstance(each, Fault) and each.stage in SHOWN:
            display.say(f"{each.stage:9} {each.fault} {each.name}  {each.target}  {each.said}")
        elif isinstance(each, Process):
            display.say(f"{each.name} {each.did}: {each.said}")
        elif isinstance(each, Steady):
            display.say(f"{each.phase}: {'well' if each.well else 'NOT WELL'} {each.said}")

    yield watch
