"""What the laptop does to deploys: each act by the `do` of a fault's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fault_injection.deploys.orders import Order, Orders

Word = Mapping[str, Any]


class Cutter(Protocol):
    """Whoever waits on a host to kill the session of a deploy."""

    def begin(self) -> str:
        """Begin to watch; returns what is watched."""

    def said(self) -> str:
        """Return whom it has killed, "" for nobody so far."""

    def end(self) -> None:
        """Watch no longer; twice is fine."""


@dataclass(frozen=True, slots=True)
class Means:
    """What acts need of the workload."""

    orders: Orders
    cutter: Callable[[str, int], Cutter]  #: of a host, after so many KiB


class Ordered:
    """An act that one of the next deploys meets; the one after it shows that it is over."""

    def __init__(self, orders: Orders, order: Order, told: str) -> None:
        self._orders, self._order, self._told = orders, order, told

    def inject(self) -> str:
        """Order it; returns what was ordered."""
        self._orders.place(self._order)
        return self._told

    def observed(self) -> str:
        """Return what was seen of it, "" so far nothing."""
        return self._order.met

    def undo(self) -> None:
        """Have no further deploy meet it."""
        self._orders.withdraw(self._order)

    def gone(self) -> str:
        """Return what shows that it is over, "" so far nothing."""
        return self._order.over


class Cut(Ordered):
    """The session of a deploy that sends a whole release is killed on the host."""

    def __init__(self, orders: Orders, cutter: Cutter) -> None:
        super().__init__(orders, Order(fresh=True), "")
        self._cutter = cutter

    def inject(self) -> str:
        """Watch first, then have something sent."""
        told = self._cutter.begin()
        super().inject()
        return told

    def observed(self) -> str:
        """Return which process was killed."""
        self._order.met = self._order.met or self._cutter.said()
        return self._order.met

    def undo(self) -> None:
        """Watch no longer."""
        self.observed()
        self._cutter.end()
        super().undo()


def _kill_laptop(word: Word, means: Means) -> Ordered:
    at = int(word["at_percent"])
    return Ordered(means.orders, Order(kill_at=at), f"SIGKILL to a deploy at {at} % of its time")


def _deploy_too(word: Word, means: Means) -> Ordered:
    at = int(word["at_percent"])
    return Ordered(means.orders, Order(rival_at=at), f"another deploy from {at} % on")


def _deploy_release(word: Word, means: Means) -> Ordered:
    release = str(word["release"])
    return Ordered(means.orders, Order(release=release), f"the next deploy is of {release}")


def _kill_sshd(word: Word, means: Means) -> Ordered:
    return Cut(means.orders, means.cutter(str(word["host"]), int(word["after_kib"])))


#: The `do` of a word -> what carries it out.
ACTS: Mapping[str, Callable[[Word, Means], Ordered]] = {
    "kill_laptop": _kill_laptop,
    "deploy_too": _deploy_too,
    "deploy_release": _deploy_release,
    "kill_sshd": _kill_sshd,
}
