"""The one tree of errors that reach a person: where it happened, why, and what to type next."""

from __future__ import annotations

DONE, FAILED, IN_DOUBT, MISCONFIGURED = 0, 1, 2, 3


class QuantumError(Exception):
    """Something a user can cause; shown as a few lines, never as a traceback.

    `host` and `step` are empty where they do not apply; `action` is the next thing to type.
    """

    exit_code = FAILED

    def __init__(self, cause: str, *, host: str = "", step: str = "", action: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.host = host
        self.step = step
        self.action = action

    def at(self, *, host: str = "", step: str = "") -> QuantumError:
        """Fill in where it happened, unless a deeper layer knew better; returns itself."""
        self.host = self.host or host
        self.step = self.step or step
        return self

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.host, self.step) if part)
        text = f"{where}: {self.cause}" if where else self.cause
        return f"{text}\n  next: {self.action}" if self.action else text


class ConfigurationError(QuantumError):
    """The inventory, a template, a setting or a flag is wrong; nothing was contacted."""

    exit_code = MISCONFIGURED


class InventoryError(ConfigurationError):
    """The inventory does not say what it must; the cause names the file and the key path."""


class RenderingError(ConfigurationError):
    """A template could not be filled in."""


class SecretError(ConfigurationError):
    """A secret reference could not be resolved; the message never holds the value."""


class UnreachableError(QuantumError):
    """The host could not be reached, or the link broke."""


class HostKeyError(UnreachableError):
    """The host's key is unknown or has changed."""

    exit_code = MISCONFIGURED


class PrivilegeError(UnreachableError):
    """`sudo -n` was refused on the host."""

    exit_code = MISCONFIGURED


class AgentError(QuantumError):
    """A step failed on the host; the agent has put back what it had changed."""


class LockedError(QuantumError):
    """Another deploy holds the host; the cause names the holder, since when and from where."""


class DriftError(QuantumError):
    """What is on the host is not what the plan was made for."""

    exit_code = IN_DOUBT


class InDoubtError(QuantumError):
    """The outcome on the host is not known to this side."""

    exit_code = IN_DOUBT


class ReleaseError(QuantumError):
    """A release could not be built for a host."""


class LedgerError(QuantumError):
    """The ledger could not be appended to, or does not verify."""


class HistoryError(QuantumError):
    """The history of a fault run could not be written or read."""

    exit_code = IN_DOUBT


class LabError(QuantumError):
    """The lab could not be built, booted or torn down."""
