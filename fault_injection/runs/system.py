"""What a run asks of the system that it breaks; commands/fault_system.py answers for real hosts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fault_injection.deploys.acts import Means
from fault_injection.gathering.place import Place
from fault_injection.history.happenings import Proof
from harness.contact import Contact


class Deploying(Protocol):
    """Deploys one after the other; `means` is what acts on them need."""

    @property
    def means(self) -> Means:
        """Return it."""

    def work(self, stop: threading.Event) -> None:
        """Deploy until the event is set, then leave what stood there before."""


class System(Protocol):
    """Hosts with their agents, one Redis, and the consumers' places on its streams.

    All methods may be called by several threads, and raise QuantumError where nobody answers.
    """

    @property
    def inventory(self) -> str:
        """Return its name."""

    @property
    def mode(self) -> str:
        """Return what it is for: sandbox or testnet."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Return where its consumers stand."""

    @property
    def operator(self) -> Mapping[str, Any]:
        """Return who breaks things from where, as the hosts keep it."""

    def stand(self, workload: str) -> None:
        """Have the hosts stand as a workload needs them: as deployed for deploys, else trading."""

    def stand_as_before(self) -> None:
        """Have the hosts stand as they did before the run."""

    def deploys(self, folder: Path, write: Callable[..., None]) -> Deploying:
        """Return the workload that deploys, again and again."""

    def reach(self, host: str) -> Contact:
        """Return a connection of the caller's own."""

    def redis(self) -> Any:
        """Return a client of the operator's, over a connection that was answered just now."""

    def well(self) -> tuple[bool, str]:
        """Tell whether every unit runs that should, and what is wrong otherwise."""

    def prove(self, claims: Sequence[str]) -> list[Proof]:
        """Check the claims; one that no role of these hosts names is left out."""

    def fingerprints(self) -> dict[str, Any]:
        """Return all that a fault may touch, by host."""
