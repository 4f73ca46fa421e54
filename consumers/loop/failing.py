"""What ends a consumer, and the exit code that says so."""

from __future__ import annotations

#: Exit codes, as everywhere in the project.
FAILED, MISCONFIGURED = 1, 3


class StartError(Exception):
    """The consumer cannot run as it is configured: one line, exit 3, and no use in restarting."""


class GroupMovedError(Exception):
    """The group is gone or stands below what it has counted; the text says how."""


class SpoiledKeyError(Exception):
    """A key that the consumer counts in holds something that it did not write."""


class NameTakenError(StartError):
    """Another living process goes by this consumer's name."""


class PoisonError(Exception):
    """An entry that no attempt can settle (bad JSON, wrong shape): a dead letter at once."""


class TransientError(Exception):
    """An attempt that failed and may succeed later: the entry stays pending, after a pause."""
