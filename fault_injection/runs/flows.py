"""Which flows a run comes to, and what it promises to gather about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fault_injection.faults.fault import DECISION_INTELLIGENCE, EXECUTION, ROUTER
from fault_injection.gathering import flow
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import CALLS, Flow
from fault_injection.schedules.schedule import Slot

DEPLOYS = "deploys"


def reached_by(slots: Sequence[Slot], places: Sequence[Place]) -> tuple[Place, ...]:
    """Return the places that the workloads come to: a decision reaches all of them."""
    if slots and all(each.workload == "apply_result" for each in slots):
        return tuple(each for each in places if each.flow == DECISION_INTELLIGENCE)
    return tuple(places)


def gated(slots: Sequence[Slot]) -> bool:
    """Tell whether deploys come between the events: the gate of each adds some of its own."""
    return any(each.workload == DEPLOYS for each in slots)


def only_deploys(slots: Sequence[Slot]) -> bool:
    """Tell whether nothing but deploys goes on, so that nobody ever trades."""
    return all(each.workload == DEPLOYS for each in slots)


def flow_lines(
    places: Sequence[Place],
    seen: Callable[[Place], tuple[str, ...]] = lambda _: (),
    *,
    others: bool = False,
) -> Iterator[Flow]:
    """Yield what is gathered about each place; `seen` is what is watched beside that.

    The router's stream is the laptop's alone, unless there are `others` who add to it; to the
    other streams consumers always do.
    """
    for each in places:
        calls = (CALLS,) if each.exchange and each.flow == EXECUTION else ()
        yield flow(each, *seen(each), *calls, fed_by_others=others or each.flow != ROUTER)
