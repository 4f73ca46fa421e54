"""A consumer's context without its process: real settings, a real client, a log that is kept."""

import dataclasses
import os

import structlog
from structlog.testing import LogCapture

from consumers.loop import connecting, failpoints, settings
from consumers.loop.context import Context
from consumers.loop.measuring import Unmeasured
from consumers.loop.stopping import Stop
from tests.logins import login


def context(kind, place, port, *, client=None, metrics=None, now_ms=None, **given):
    """Return a Context of a settings class; `given` are its variables, in capitals.

    What was logged is in `.log.lines`: dicts with `event` and `log_level`.
    """
    environ = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port), "CONSUMER_NAME": "one"}
    environ |= login(kind.__module__, given)
    wanted = settings.read(kind, environ | {name: str(value) for name, value in given.items()})
    more = {} if now_ms is None else {"now_ms": now_ms}
    return Context(
        client or connecting.client(wanted), place(wanted), wanted, Log(), metrics or Unmeasured(),
        Stop(), failpoints.install(wanted.quantum_failpoints), lambda: None, **more,
    )  # fmt: skip


class Log:
    """structlog's logger, whose lines are kept in `lines`."""

    def __init__(self):
        self._capture = LogCapture()
        self.lines = self._capture.entries
        self._log = structlog.wrap_logger(None, processors=[self._capture])

    def __getattr__(self, name):
        return getattr(self._log, name)


def clean_environment():
    """Return this process's environment without what would configure a consumer."""
    foreign = ("REDIS_", "QUANTUM_", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_", "CONSUMER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def defaults(kind):
    """Return every setting of a settings class: name in capitals -> default as text."""
    declared = [each for each in dataclasses.fields(kind) if "parse" in each.metadata]
    return {each.name.upper(): each.metadata["default"] for each in declared}
