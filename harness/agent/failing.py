"""How something goes wrong on the host: what the laptop is told, and what ends the agent."""

from __future__ import annotations

import contextlib
import errno
import signal
from collections.abc import Iterator

from .services import ServiceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: What the laptop may conclude about the host from an error frame.
UNCHANGED, ROLLED_BACK, IN_DOUBT = "unchanged", "rolled_back", "in_doubt"


class AgentError(Exception):
    """One thing that went wrong, with where and what to do; becomes an error frame."""

    def __init__(
        self, kind: str, cause: str, *, step: str = "", action: str = "", state: str = UNCHANGED
    ) -> None:
        super().__init__(cause)
        self.kind = kind
        self.cause = cause
        self.step = step
        self.action = action
        self.state = state

    def frame(self) -> dict[str, Any]:
        """Return the body of the error frame."""
        return {
            "kind": self.kind,
            "step": self.step,
            "cause": self.cause,
            "action": self.action,
            "state": self.state,
        }


class GoneError(BaseException):
    """The laptop left, fell silent, or somebody ended the agent: undo, then exit."""


def one_line(error: BaseException) -> str:
    """Return the cause of any exception as one line without a traceback."""
    if isinstance(error, (AgentError, ServiceError, GoneError)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        name = f" {error.filename!r}" if error.filename else ""
        return f"{error.strerror}{name}"
    return " ".join(f"{type(error).__name__}: {error}".split()) if str(error) else repr(error)


def translated(error: BaseException, step: str) -> AgentError:
    """Return any exception as an AgentError that names the step."""
    if isinstance(error, AgentError):
        error.step = error.step or step
        return error
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        action = "free some space on the host and deploy again" if full else ""
        return AgentError("space" if full else "failed", one_line(error), step=step, action=action)
    if isinstance(error, ServiceError):
        return AgentError("services", one_line(error), step=step)
    if isinstance(error, GoneError):
        return AgentError("interrupted", one_line(error), step=step)
    return AgentError("internal", one_line(error), step=step, action="report this as a defect")


class Signals:
    """Turn SIGTERM and SIGHUP into GoneError, but never in the middle of an undo."""

    def __init__(self) -> None:
        self._held = 0
        self._waiting = ""

    def install(self) -> None:
        """Take over the signals; Ctrl-C on a shared terminal is the laptop's to answer."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for each in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, self._arrived)

    def _arrived(self, number: int, _frame: object) -> None:
        self._waiting = signal.Signals(number).name
        if not self._held:
            raise GoneError(f"the agent was ended by {self._waiting}")

    @contextlib.contextmanager
    def held_off(self) -> Iterator[None]:
        """Let signals wait until the block has ended; the caller then exits by itself."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @property
    def waiting(self) -> str:
        """Return the name of a signal that came, or an empty string."""
        return self._waiting


SIGNALS = Signals()
