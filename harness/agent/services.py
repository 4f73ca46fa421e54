"""What the agent asks of whoever runs the units: systemd, or the sandbox's supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object

#: unit -> names of the credentials whose digests are asked for
Asked = Mapping[str, Iterable[str]]
#: ActiveState values of a unit that runs or is about to
UP = frozenset({"active", "activating", "reloading"})


class ServiceError(Exception):
    """A unit did not do as asked; the text is one line that says why."""


class Services(Protocol):
    """Units by name; every call has a deadline and raises ServiceError."""

    name: str
    boots: bool  #: whether a unit of ours is run when the host boots
    booting: bool  #: whether units that come later in a boot than we do are not waited for
    control: str  #: where to ask, if it is not the host's own

    def show(self, units: Asked) -> dict[str, dict[str, Any]]:
        """Return the state of each unit; one that does not exist has load "not-found"."""

    def reload(self) -> None:
        """Read the unit files again."""

    def start(self, units: Sequence[str], wait_s: float, check: Callable[[], None] = ...) -> None:
        """Start units and wait until all say READY."""

    def restart(self, units: Sequence[str], wait_s: float, check: Callable[[], None] = ...) -> None:
        """Restart units and wait until all say READY."""

    def stop(self, units: Sequence[str]) -> None:
        """Stop units and wait until their processes are gone."""

    def reset_failed(self, units: Sequence[str]) -> None:
        """Forget failures and start limits."""

    def pids(self, unit: str) -> list[int]:
        """Return the processes of a unit, its main one and all others."""

    def kill(self, unit: str, signal: str) -> None:
        """Send a signal to the unit's main process."""

    def verify(self, path: str) -> list[str]:
        """Return what is wrong with a unit file that is not yet placed, a line each."""

    def arm(self, name: str, words: Sequence[str], within_s: float) -> None:
        """Have a program run about `within_s` seconds from now, whatever becomes of us."""

    def disarm(self, name: str) -> None:
        """Spare the host an armed program that has not begun; one that has goes on."""
