"""What a run asks of the system that it breaks; commands/fault_system.py answers for real hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fault_injection.gathering.place import Place
from fault_injection.history.happenings import Proof
from harness.contact import Contact


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
