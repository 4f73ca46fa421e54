"""What faults want of the next deploys, and what came of it; threads share it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from fault_injection.deploys.endings import Ending
from fault_injection.history.happenings import FAIL, OK


@dataclass(slots=True, eq=False)
class Order:
    """A deploy that shall be another than the next in turn; moments in % of a usual one's time."""

    release: str = ""
    kill_at: int | None = None  #: the laptop's processes are killed then
    rival_at: int | None = None  #: another deploys, too, from then on
    fresh: bool = False  #: a release that has to be sent whole
    met: str = ""  #: what was seen of it
    over: str = ""  #: what shows that it is over


class Orders:
    """The orders that are open, oldest first."""

    def __init__(self) -> None:
        self._all: list[Order] = []
        self._one_at_a_time = threading.Lock()

    def place(self, order: Order) -> None:
        """Have one of the next deploys be so, as often as needed until it was seen to be so."""
        with self._one_at_a_time:
            self._all.append(order)

    def withdraw(self, order: Order) -> None:
        """Have no further deploy be so."""
        with self._one_at_a_time:
            order.over = order.over or ("" if order.met else "no deploy was met by it")

    def next(self) -> Order | None:
        """Return what the next deploy is to be."""
        with self._one_at_a_time:
            return next((each for each in self._all if not (each.met or each.over)), None)

    def ended(self, order: Order | None, endings: Sequence[Ending]) -> None:
        """Take down how the deploys of a round ended, and what of an order was seen in them."""
        with self._one_at_a_time:
            if order is None and all(each.how == OK for each in endings):
                for each in self._all:
                    each.over = each.over or (
                        f"a deploy is {endings[0].outcome}" if each.met else ""
                    )
            elif order is not None:
                order.met = order.met or _seen(order, endings)


def _seen(order: Order, endings: Sequence[Ending]) -> str:
    """Return what was seen of an order, "" where it came too early or too late."""
    first = endings[0]
    if order.kill_at is not None:
        killed = not first.outcome and first.why.startswith("killed")
        return f"{first.why} at {order.kill_at} % of its time" if killed else ""
    if order.rival_at is not None:
        return next((each.why for each in endings if each.locked_out), "")
    if order.release:
        return f"{first.outcome}: {first.why}" if first.how == FAIL else ""
    return ""  # whoever cuts its connection sees that
