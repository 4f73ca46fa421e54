"""Histories of the small world, each made once, and what a run notes for its record."""

import pytest

from fault_injection.history.reading import history_of
from tests.checkers.running import BRIEF, Run


class Short(bytes):
    """Bytes that a failing test does not print whole."""

    def __repr__(self):
        return f"{len(self)} bytes"


@pytest.fixture(scope="session")
def clean():
    """Return a whole run of correct consumers, as bytes: all there is to be seen is in it."""
    return Run(7, peers=1, faults=("KillOfMany", "LostReplies", "Duplicates")).history()


@pytest.fixture(scope="session")
def lines(clean):
    """Return the same as happenings."""
    return history_of(clean).happenings


@pytest.fixture(scope="session")
def brief():
    """Return a short run, for what is done with it a thousand times."""
    return Short(Run(3, faults=("Kill",), steps=BRIEF).history())


@pytest.fixture
def note(request):
    """Keep numbers of a run for its record: note(seeds=100)."""

    def keep(**numbers):
        request.node.user_properties += numbers.items()

    return keep
