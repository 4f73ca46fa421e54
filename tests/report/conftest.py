"""Days played once, and their pages."""

import pytest

from fault_injection.checkers import judge
from fault_injection.history.reading import history_of
from fault_injection.report import render
from tests.report.days import Played, scheduled

#: Operations a second: few, so that it costs nothing.
FEW = 4


class Shown:
    """A run with all that is made of it; the page only when it is asked for."""

    def __init__(self, data, schedule=None, previous=None):
        self.schedule, self.previous = schedule, previous
        self.history = history_of(data)
        self.judgement = judge(self.history)

    @property
    def page(self):
        return render(self.history, self.judgement, self.schedule, self.previous).decode()


@pytest.fixture(scope="session")
def plan():
    return scheduled()


@pytest.fixture(scope="session")
def well(plan):
    """Return a day on which all was seen and all held."""
    return Shown(Played(plan, per_s=FEW).history(), plan)


@pytest.fixture(scope="session")
def ill(plan):
    """Return a day with a fault that nobody saw, one that never went, losses and doubles."""
    played = Played(plan, per_s=FEW, blind={"2"}, stuck={"3"}, lose=2, double=3)
    return Shown(played.history(), plan)
